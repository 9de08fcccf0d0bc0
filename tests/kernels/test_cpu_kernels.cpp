#include "mentor/kernels/cpu_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace mentor {
namespace {

std::vector<const CpuKernels*> kernels_of_this_machine() {
  std::vector<const CpuKernels*> all = {&generic::kernels()};
  if (__builtin_cpu_supports("x86-64-v3")) all.push_back(&avx2::kernels());
  if (__builtin_cpu_supports("x86-64-v4")) all.push_back(&avx512::kernels());
  return all;
}

std::vector<float> random_values(size_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(engine);
  return values;
}

Bf16 truncate(float x) { return {static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16)}; }
float widen(Bf16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16); }
float widen(float x) { return x; }

template <class T>
std::vector<T> convert(const std::vector<float>& values) {
  std::vector<T> converted;
  for (const float value : values) {
    if constexpr (std::is_same_v<T, float>) {
      converted.push_back(value);
    } else {
      converted.push_back(truncate(value));
    }
  }
  return converted;
}

template <class T>
void check_gemv(void (*kernel)(const GemvArgs<T>&), const char* name) {
  for (const int64_t k : {1, 15, 16, 63, 64, 65, 200}) {
    const int64_t rows = 7, columns = 9;
    const auto x = random_values(static_cast<size_t>(rows * k), 1);
    const auto w = convert<T>(random_values(static_cast<size_t>(columns * k), 2));
    const auto bias = convert<T>(random_values(static_cast<size_t>(columns), 3));
    std::vector<float> y(static_cast<size_t>(rows * columns), -1), alone(y);
    kernel({x.data(), w.data(), bias.data(), y.data(), rows, k, columns, 0, columns});
    for (int64_t m = 0; m < rows; ++m) {
      kernel({x.data() + m * k, w.data(), bias.data(), alone.data() + m * columns, 1, k, columns, 0,
              columns});
      for (int64_t n = 0; n < columns; ++n) {
        double expected = widen(bias[n]);
        for (int64_t i = 0; i < k; ++i) expected += double{x[m * k + i]} * widen(w[n * k + i]);
        EXPECT_NEAR(y[m * columns + n], expected, 1e-4) << name << " k " << k;
      }
    }
    EXPECT_EQ(y, alone) << name << " k " << k << ": a row depends on its neighbours";
  }
}

TEST(CpuKernels, GemvEqualsTheSumAndRowsAreIndependent) {
  for (const CpuKernels* kernels : kernels_of_this_machine()) {
    check_gemv<float>(kernels->gemv_f32, kernels->name);
    check_gemv<Bf16>(kernels->gemv_bf16, kernels->name);
  }
}

template <class T>
void check_attention(void (*kernel)(const DecodeAttentionArgs<T>&), const char* name) {
  for (const int64_t head_dim : {4, 16, 20, 64, 100, 128}) {
    for (const int64_t length : {1, 2, 17, 100}) {
      const auto q = random_values(static_cast<size_t>(head_dim), 4);
      const auto k = convert<T>(random_values(static_cast<size_t>(length * head_dim), 5));
      const auto v = convert<T>(random_values(static_cast<size_t>(length * head_dim), 6));
      std::vector<float> out(static_cast<size_t>(head_dim)), scores(static_cast<size_t>(length));
      kernel({q.data(), k.data(), v.data(), out.data(), scores.data(), length, head_dim, 0.3F});
      std::vector<double> expected(static_cast<size_t>(head_dim), 0);
      double total = 0;
      for (int64_t t = 0; t < length; ++t) {
        double score = 0;
        for (int64_t d = 0; d < head_dim; ++d) score += double{q[d]} * widen(k[t * head_dim + d]);
        const double weight = std::exp(score * 0.3F);
        total += weight;
        for (int64_t d = 0; d < head_dim; ++d) expected[d] += weight * widen(v[t * head_dim + d]);
      }
      for (int64_t d = 0; d < head_dim; ++d) {
        EXPECT_NEAR(out[d], expected[d] / total, 2e-5) << name << " " << head_dim << " " << length;
      }
    }
  }
}

TEST(CpuKernels, DecodeAttentionEqualsSoftmaxWeightedSum) {
  for (const CpuKernels* kernels : kernels_of_this_machine()) {
    check_attention<float>(kernels->decode_attention_f32, kernels->name);
    check_attention<Bf16>(kernels->decode_attention_bf16, kernels->name);
  }
}

}  // namespace
}  // namespace mentor
