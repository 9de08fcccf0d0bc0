#include "mentor/kernels/attention_kernels.h"
#include "mentor/nn/attention.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mentor {
namespace {

/// softmax(q kᵀ / √K + mask) v in fp32, one sequence after the other.
at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::vector<int64_t>& offsets) {
  std::vector<at::Tensor> outputs;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const auto piece = [&](const at::Tensor& x) {
      return x.slice(0, offsets[b], offsets[b + 1]).transpose(0, 1);
    };
    const int64_t length = offsets[b + 1] - offsets[b];
    const at::Tensor mask = at::full({length, length}, -INFINITY).triu(1);
    const at::Tensor scores =
        at::matmul(piece(q), piece(k).mT()) / std::sqrt(static_cast<double>(q.size(2)));
    outputs.push_back(at::matmul(at::softmax(scores + mask, -1), piece(v)).transpose(0, 1));
  }
  return at::cat(outputs);
}

struct Attention {
  at::Tensor out, dq, dk, dv;
};
/// q, k, v as the model has them: slices of one tensor [S, 3, H, K].
template <class Attend>
Attention run(const at::Tensor& qkv, const at::Tensor& dout, at::ScalarType dtype,
              const Attend& attend) {
  const at::Tensor leaf = qkv.to(dtype).detach().clone().requires_grad_(true);
  const auto parts = leaf.unbind(1);
  const at::Tensor out = attend(parts[0], parts[1], parts[2]);
  out.backward(dout.to(dtype));
  const auto gradients = leaf.grad().unbind(1);
  return {out.detach(), gradients[0], gradients[1], gradients[2]};
}

double relative(const at::Tensor& actual, const at::Tensor& expected) {
  return max_abs_difference(actual, expected) / expected.abs().max().item<double>();
}

TEST(PackedCausalAttention, EqualsMatmulSoftmaxMatmul) {
  at::manual_seed(1);
  const std::vector<int64_t> packings[] = {
      {0, 1}, {0, 64}, {0, 65, 66, 200}, {0, 128, 511}, {0, 600}};
  for (const int64_t dim : {16, 32, 48, 64, 24, 80}) {  // the last two take ATen's kernel
    for (const auto& offsets : packings) {
      const at::Tensor qkv = at::randn({offsets.back(), 3, 2, dim});
      const at::Tensor dout = at::randn({offsets.back(), 2, dim});
      const auto plain = run(qkv.to(at::kBFloat16), dout.to(at::kBFloat16), at::kFloat,
                             [&](const auto&... x) { return plain_attention(x..., offsets); });
      for (const auto& [dtype, tolerance] : {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 0.02}}) {
        const auto own =
            run(qkv.to(at::kBFloat16), dout.to(at::kBFloat16), dtype,
                [&](const auto&... x) { return packed_causal_attention(x..., offsets); });
        const std::string name = "K " + std::to_string(dim) + " S " +
                                 std::to_string(offsets.back()) + " " + c10::toString(dtype);
        EXPECT_LE(relative(own.out, plain.out), tolerance) << name;
        EXPECT_LE(relative(own.dv, plain.dv), tolerance) << name;
        if (offsets.back() == 1) continue;  // one key: the gradient of its score is 0
        EXPECT_LE(relative(own.dq, plain.dq), tolerance) << name;
        EXPECT_LE(relative(own.dk, plain.dk), tolerance) << name;
      }
    }
  }
}

TEST(PackedCausalAttention, OnAGpuEqualsTheCpu) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  at::manual_seed(1);
  const std::vector<int64_t> offsets{0, 65, 66, 200, 711};
  for (const int64_t dim : {64, 100}) {  // the flash kernel takes multiples of 8
    SCOPED_TRACE(dim);
    const at::Tensor qkv = at::randn({offsets.back(), 3, 4, dim}).to(at::kBFloat16);
    const at::Tensor dout = at::randn({offsets.back(), 4, dim}).to(at::kBFloat16);
    const auto plain = run(qkv, dout, at::kFloat,
                           [&](const auto&... x) { return plain_attention(x..., offsets); });
    const auto own = run(qkv.to(at::kCUDA), dout.to(at::kCUDA), at::kBFloat16,
                         [&](const auto&... x) { return packed_causal_attention(x..., offsets); });
    EXPECT_LE(relative(own.out.cpu(), plain.out), 0.02);
    EXPECT_LE(relative(own.dq.cpu(), plain.dq), 0.02);
    EXPECT_LE(relative(own.dk.cpu(), plain.dk), 0.02);
    EXPECT_LE(relative(own.dv.cpu(), plain.dv), 0.02);
  }
}

TEST(PackedCausalAttention, GradientsAreRecordedOrNotWithEqualResults) {
  const at::Tensor qkv = at::randn({150, 3, 2, 32});
  const auto parts = qkv.unbind(1);
  const auto attend = [&] {
    return packed_causal_attention(parts[0], parts[1], parts[2], {0, 150});
  };
  const at::Tensor without = attend();
  EXPECT_FALSE(without.requires_grad());
  const at::Tensor query = parts[0].detach().clone().requires_grad_(true);
  const at::Tensor with = packed_causal_attention(query, parts[1], parts[2], {0, 150});
  EXPECT_TRUE(with.requires_grad());
  EXPECT_LE(max_abs_difference(with, without), 1e-6);
}

TEST(PackedCausalAttention, NeitherThreadsNorNeighboursChangeASequence) {
  at::manual_seed(2);
  const at::Tensor qkv = at::randn({300, 3, 4, 64}), dout = at::randn({300, 4, 64});
  const auto gradients = [&](const at::Tensor& x, const at::Tensor& g,
                             const std::vector<int64_t>& offsets) {
    return run(x, g, at::kBFloat16,
               [&](const auto&... parts) { return packed_causal_attention(parts..., offsets); });
  };
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Attention one = gradients(qkv, dout, {0, 100, 300});
  at::set_num_threads(3);
  const Attention three = gradients(qkv, dout, {0, 100, 300});
  at::set_num_threads(threads);
  const Attention alone = gradients(qkv.slice(0, 100), dout.slice(0, 100), {0, 200});
  for (const auto part : {&Attention::out, &Attention::dq, &Attention::dk, &Attention::dv}) {
    EXPECT_TRUE((one.*part).equal(three.*part));
    EXPECT_TRUE((one.*part).slice(0, 100).equal(alone.*part));
  }
}

TEST(PackedCausalAttention, LargeScoresStayFinite) {
  const at::Tensor x = at::full({70, 3, 1, 16}, 60.0F);
  const Attention own = run(x, at::ones({70, 1, 16}), at::kFloat, [](const auto&... parts) {
    return packed_causal_attention(parts..., {0, 70});
  });
  EXPECT_LE(max_abs_difference(own.out, at::full({70, 1, 16}, 60.0F)), 1e-3);
  EXPECT_TRUE(own.dq.isfinite().all().item<bool>());
}

template <class T>
void expect_equal_sets(const AttentionKernels<T>& one, const AttentionKernels<T>& other) {
  constexpr int64_t kRows = 64;
  const auto dtype = sizeof(T) == 2 ? at::kBFloat16 : at::kFloat;
  const at::Tensor scores = at::randn({kRows, kAttentionBlock}) * 3;
  const at::Tensor gradients = at::randn({kRows, kAttentionBlock}), sums = at::rand({2, kRows}) * 5;
  const at::Tensor heads = at::randn({kRows, 3, 32}).to(dtype);
  const auto results = [&](const AttentionKernels<T>& kernels) {
    at::Tensor back = at::zeros({8, kRows, kAttentionBlock}, dtype), dots = at::zeros({kRows});
    const auto part = [&](int64_t i) {
      return static_cast<T*>(back.mutable_data_ptr()) + i * kRows * kAttentionBlock;
    };
    kernels.softmax_backward({.scores = scores.const_data_ptr<float>(),
                              .gradients = gradients.const_data_ptr<float>(),
                              .log_sum = sums.const_data_ptr<float>(),
                              .mean_gradient = sums.const_data_ptr<float>() + kRows,
                              .rows = kRows,
                              .visible = 1,
                              .scale = 0.5F,
                              .p_right = part(0),
                              .ds = part(1),
                              .ds_right = part(2)});
    const HeadRows<T> x{static_cast<T*>(heads.data_ptr()), 3 * 32, 50, 32};
    kernels.right(x, kRows, part(3));
    kernels.right_transposed(x, part(4));
    kernels.left_transposed(x, kRows, part(5));
    kernels.row_dots(x, x, dots.mutable_data_ptr<float>());
    kernels.store_rows(scores.const_data_ptr<float>(), {part(6), 40, 50, 32});
    kernels.store_columns(scores.const_data_ptr<float>(), {part(7), 40, 50, 32});
    return at::cat({back.to(at::kFloat).flatten(), dots});
  };
  EXPECT_TRUE(at::allclose(results(one), results(other), 0.008, 1e-6));
}

TEST(PackedCausalAttention, EveryInstructionSetGivesTheSame) {
  at::manual_seed(3);
  expect_equal_sets(generic::attention_kernels<float>(), attention_kernels<float>());
  expect_equal_sets(generic::attention_kernels<Bf16>(), attention_kernels<Bf16>());
  if (!__builtin_cpu_supports("x86-64-v3")) return;
  expect_equal_sets(avx2::attention_kernels<float>(), attention_kernels<float>());
  expect_equal_sets(avx2::attention_kernels<Bf16>(), attention_kernels<Bf16>());
}

}  // namespace
}  // namespace mentor
