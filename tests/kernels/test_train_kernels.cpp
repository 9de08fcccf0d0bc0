#include "mentor/kernels/train_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

// Every instruction set against the one that runs everywhere, whose values the tests of nn compare
// with ATen's operators.

namespace mentor {
namespace {

constexpr int64_t kCount = 100;  // six whole vectors and a rest

float widen(Bf16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16); }
float widen(float x) { return x; }
void convert(float from, float& to) { to = from; }
void convert(float from, Bf16& to) {
  to = {static_cast<uint16_t>(std::bit_cast<uint32_t>(from) >> 16)};
}

template <class T>
std::vector<T> random_values(uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<T> values(kCount);
  for (T& value : values) convert(normal(engine), value);
  return values;
}

template <class T>
using Sets = std::vector<const TrainKernels<T>*>;
template <class T>
Sets<T> sets_of_this_machine() {
  Sets<T> all = {&generic::train_kernels<T>()};
  if (__builtin_cpu_supports("x86-64-v3")) all.push_back(&avx2::train_kernels<T>());
  if (__builtin_cpu_supports("x86-64-v4")) all.push_back(&avx512::train_kernels<T>());
  return all;
}

template <class T>
void expect_near(const std::vector<T>& actual, const std::vector<T>& expected, float tolerance) {
  for (size_t i = 0; i < actual.size(); ++i) {
    const float value = widen(expected[i]);
    EXPECT_NEAR(widen(actual[i]), value, tolerance * (std::abs(value) + 1e-3F)) << i;
  }
}

/// What one set computes of each kernel.
template <class T>
struct Results {
  explicit Results(const TrainKernels<T>& kernels)
      : logits(random_values<T>(1)), dw(kCount, 0.5F), residual(random_values<float>(2)) {
    const auto a = random_values<T>(3), b = random_values<T>(4), c = random_values<T>(5);
    const auto x = random_values<float>(6);
    loss = kernels.cross_entropy({logits.data(), kCount, 37, 0.5F, /*gradient=*/true});
    kernels.rms_norm_backward({x.data(), a.data(), b.data(), dx.data(), dw.data(), kCount, 1e-5F});
    kernels.silu_mul({a.data(), b.data(), y.data(), kCount});
    kernels.silu_mul_backward({a.data(), b.data(), c.data(), dgate.data(), dup.data(), kCount});
    kernels.rotate({a.data(), turned.data(), x.data(), x.data() + 10, 5, 20, /*inverse=*/false});
    kernels.dropout({a.data(), nullptr, dropped.data(), 0, kCount, 11, 1U << 30, 2.0F});
    kernels.dropout_to_residual(
        {a.data(), residual.data(), added.data(), 0, kCount, 11, 1U << 30, 2.0F});
    kernels.dropout_from_residual(
        {x.data(), nullptr, from_residual.data(), 0, kCount, 11, 1U << 30, 2.0F});
  }

  void expect_like(const Results& other, float tolerance) const {
    EXPECT_NEAR(loss, other.loss, 1e-5);
    expect_near(logits, other.logits, tolerance);
    expect_near(dx, other.dx, 1e-4F);
    expect_near(dw, other.dw, 1e-2F);  // sums of values rounded to T
    expect_near(y, other.y, tolerance);
    expect_near(dgate, other.dgate, tolerance);
    expect_near(dup, other.dup, tolerance);
    expect_near(turned, other.turned, tolerance);
    expect_near(dropped, other.dropped, 0);
    expect_near(added, other.added, 1e-6F);
    expect_near(from_residual, other.from_residual, 0);
  }

  float loss = 0;
  std::vector<T> logits;
  std::vector<float> dx = std::vector<float>(kCount), dw, residual, added = dx;
  std::vector<T> y = std::vector<T>(kCount), dgate = y, dup = y, turned = y, dropped = y,
                 from_residual = y;
};

TEST(TrainKernels, EveryInstructionSetGivesTheSame) {
  for (const auto* kernels : sets_of_this_machine<float>()) {
    Results<float>(*kernels).expect_like(Results<float>(generic::train_kernels<float>()), 1e-4F);
  }
  for (const auto* kernels : sets_of_this_machine<Bf16>()) {
    Results<Bf16>(*kernels).expect_like(Results<Bf16>(generic::train_kernels<Bf16>()), 0.01F);
  }
}

TEST(TrainKernels, DropoutIsTheStreamOfPhilox) {
  // Known answer of Philox 4x32-10 for counter 0 and key 0 (Salmon et al. 2011): its words are
  // those of elements 0, 16, 32 and 48.
  constexpr uint32_t kWords[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  std::vector<float> x(kDropoutBlock, 1), y(kDropoutBlock);
  for (int word = 0; word < 4; ++word) {
    for (const uint32_t above : {0U, 1U}) {
      train_kernels<float>().dropout(
          {x.data(), nullptr, y.data(), 0, kDropoutBlock, 0, kWords[word] + above, 1.0F});
      EXPECT_EQ(y[static_cast<size_t>(16 * word)], above == 0 ? 1 : 0) << word;
    }
  }
}

}  // namespace
}  // namespace mentor
