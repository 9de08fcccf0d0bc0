#include "mentor/kernels/cpu_kernels.h"
#include "mentor/nn/layers.h"
#include "mentor/nn/parameters.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

constexpr double kEpsilon = 1e-6;

RmsNorm random_norm(int64_t dim, at::ScalarType dtype) {
  RmsNorm norm(dim, kEpsilon);
  materialize(*norm, dtype);
  const at::NoGradGuard no_grad;
  norm->weight.uniform_(-2, 2);
  return norm;
}

/// The definition, of plain operators.
at::Tensor plain(const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor x_f32 = x.to(at::kFloat);
  const at::Tensor scale = at::rsqrt(x_f32.square().mean(-1, /*keepdim=*/true) + kEpsilon);
  return (x_f32 * scale).to(weight.scalar_type()) * weight;
}

TEST(RmsNorm, FusedKernelEqualsPlainOperators) {
  at::manual_seed(5);
  for (const int64_t dim : {1, 5, 16, 30, 64, 100, 2048}) {
    const at::Tensor x = at::randn({3, 7, dim}) * 4;
    const std::string name = "rms_norm." + std::to_string(dim);
    const RmsNorm exact = random_norm(dim, at::kFloat), half = random_norm(dim, at::kBFloat16);
    EXPECT_LE(max_abs_difference(exact->forward(x), plain(x, exact->weight)), 1e-5) << name;
    // Of equal fp32 values only those on a rounding border may differ, by one step of 2^-8.
    const at::Tensor rounded = half->forward(x);
    EXPECT_EQ(rounded.scalar_type(), at::kBFloat16);
    EXPECT_TRUE(
        at::allclose(rounded.to(at::kFloat), plain(x, half->weight).to(at::kFloat), 0.008, 0))
        << name;
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(half->forward(x).equal(rounded)) << name;
  }
}

/// Gradients of x and of the weight.
std::pair<at::Tensor, at::Tensor> gradients(const at::Tensor& x, const at::Tensor& dy,
                                            RmsNorm& norm, bool fused) {
  const at::Tensor leaf = x.detach().clone().requires_grad_(true);
  norm->zero_grad();
  (fused ? norm->forward(leaf) : plain(leaf, norm->weight)).backward(dy);
  return {leaf.grad(), norm->weight.grad().clone()};
}

TEST(RmsNorm, GradientsEqualThoseOfPlainOperators) {
  at::manual_seed(6);
  const auto relative = [](const at::Tensor& actual, const at::Tensor& expected) {
    return max_abs_difference(actual, expected) / expected.abs().max().item<double>();
  };
  for (const int64_t dim : {5, 64, 100, 768}) {
    const at::Tensor x = at::randn({2, 75, dim}) * 3, dy = at::randn({2, 75, dim});
    for (const auto& [dtype, tolerance] : {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 0.02}}) {
      RmsNorm norm = random_norm(dim, dtype);
      const auto fused = gradients(x, dy.to(dtype), norm, true);
      // In fp32 on both sides: the plain operators round every gradient on its way.
      RmsNorm reference(dim, kEpsilon);
      materialize(*reference, at::kFloat);
      {
        const at::NoGradGuard no_grad;
        reference->weight.copy_(norm->weight);
      }
      const auto expected = gradients(x, dy.to(dtype).to(at::kFloat), reference, false);
      EXPECT_LE(relative(fused.first, expected.first), tolerance) << dim << ' ' << dtype;
      EXPECT_LE(relative(fused.second, expected.second), tolerance) << dim << ' ' << dtype;
      EXPECT_EQ(fused.second.scalar_type(), dtype);
    }
  }
}

TEST(RmsNorm, TakesBf16AndStridedInput) {
  const at::Tensor x = at::randn({8, 4, 32}).to(at::kBFloat16).transpose(0, 1);
  RmsNorm norm = random_norm(32, at::kFloat);
  EXPECT_LE(max_abs_difference(norm->forward(x), plain(x, norm->weight)), 1e-5);
  EXPECT_EQ(gradients(x, at::ones(x.sizes()), norm, true).first.scalar_type(), at::kBFloat16);
}

TEST(RmsNorm, EpsilonKeepsZeroRowsFinite) {
  const at::Tensor zero = at::zeros({2, 20});
  RmsNorm norm = random_norm(20, at::kFloat);
  EXPECT_TRUE(norm->forward(zero).equal(zero));
  EXPECT_TRUE(gradients(zero, at::ones({2, 20}), norm, true).first.isfinite().all().item<bool>());
}

TEST(RmsNorm, EveryInstructionSetGivesTheSameBf16Row) {
  const at::Tensor x = at::randn({50}), w = at::randn({50}).to(at::kBFloat16);
  const auto run = [&](const CpuKernels& kernels) {
    at::Tensor y = at::empty({50}, at::kBFloat16);
    kernels.rms_norm_bf16({.x = x.const_data_ptr<float>(),
                           .w = static_cast<const Bf16*>(w.const_data_ptr()),
                           .y = static_cast<Bf16*>(y.mutable_data_ptr()),
                           .n = 50,
                           .eps = 1e-6f});
    return y;
  };
  EXPECT_TRUE(at::allclose(run(generic::kernels()), run(cpu_kernels()), 0.008, 0));
}

TEST(RmsNorm, RefusesAnotherWidth) {
  RmsNorm norm(4, 1e-6);
  EXPECT_THROW((void)norm->forward(at::zeros({2, 5})), c10::Error);
}

}  // namespace
}  // namespace mentor
