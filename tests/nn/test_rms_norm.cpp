#include "mentor/kernels/cpu_kernels.h"
#include "mentor/nn/layers.h"
#include "mentor/nn/parameters.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

/// One norm without and with gradients: the fused kernel against the plain operators.
struct Paths {
  at::Tensor fused, plain;
};
Paths both_paths(const at::Tensor& x, at::ScalarType dtype) {
  RmsNorm norm(x.size(-1), 1e-6);
  materialize(*norm, dtype);
  {
    const at::NoGradGuard no_grad;
    norm->weight.uniform_(-2, 2);
  }
  const at::Tensor plain = norm->forward(x).detach();
  const at::NoGradGuard no_grad;
  return {.fused = norm->forward(x), .plain = plain};
}

TEST(RmsNorm, FusedKernelEqualsPlainOperators) {
  at::manual_seed(5);
  for (const int64_t dim : {1, 5, 16, 30, 64, 100, 2048}) {
    const at::Tensor x = at::randn({3, 7, dim}) * 4;
    const std::string name = "rms_norm." + std::to_string(dim);
    const Paths exact = both_paths(x, at::kFloat);
    EXPECT_LE(max_abs_difference(exact.fused, exact.plain), 1e-5) << name;
    // Of equal fp32 values only those on a rounding border may differ, by one step of 2^-8.
    const Paths rounded = both_paths(x, at::kBFloat16);
    EXPECT_EQ(rounded.fused.scalar_type(), at::kBFloat16);
    EXPECT_TRUE(at::allclose(rounded.fused.to(at::kFloat), rounded.plain.to(at::kFloat), 0.008, 0))
        << name;
  }
}

TEST(RmsNorm, TakesBf16AndStridedInput) {
  const at::Tensor x = at::randn({8, 4, 32}).to(at::kBFloat16).transpose(0, 1);
  const Paths paths = both_paths(x, at::kFloat);
  EXPECT_LE(max_abs_difference(paths.fused, paths.plain), 1e-5);
}

TEST(RmsNorm, EpsilonKeepsZeroRowsFinite) {
  EXPECT_TRUE(at::equal(both_paths(at::zeros({2, 20}), at::kFloat).fused, at::zeros({2, 20})));
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
