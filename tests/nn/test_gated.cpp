#include "mentor/nn/gated.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

TEST(SiluMul, OnePassEqualsPlainOperators) {
  at::manual_seed(1);
  for (const int64_t width : {1, 16, 35, 2048}) {
    const at::Tensor gate = at::randn({17, width}) * 5, up = at::randn({17, width});
    const at::Tensor dy = at::randn({17, width});
    for (const auto& [dtype, tolerance] : {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 0.01}}) {
      const auto leaf = [](const at::Tensor& x) { return x.detach().clone().requires_grad_(true); };
      const at::Tensor g = leaf(gate.to(dtype)), u = leaf(up.to(dtype));
      const at::Tensor plain_g = leaf(g.to(at::kFloat)), plain_u = leaf(u.to(at::kFloat));
      const at::Tensor y = silu_mul(g, u), plain = at::silu(plain_g) * plain_u;
      y.backward(dy.to(dtype));
      plain.backward(dy.to(dtype).to(at::kFloat));
      EXPECT_EQ(y.scalar_type(), dtype);
      const auto close = [tol = tolerance](const at::Tensor& actual, const at::Tensor& expected) {
        return at::allclose(actual.to(at::kFloat), expected, tol, 1e-6);
      };
      EXPECT_TRUE(close(y, plain)) << width << ' ' << dtype;
      EXPECT_TRUE(close(u.grad(), plain_u.grad())) << width << ' ' << dtype;
      EXPECT_TRUE(close(g.grad(), plain_g.grad())) << width << ' ' << dtype;
      const at::NoGradGuard no_grad;
      EXPECT_TRUE(silu_mul(g, u).equal(y));
    }
  }
}

TEST(SiluMul, ExtremeGatesStayFinite) {
  const at::Tensor gate = at::tensor({-1e30F, -100.0F, 0.0F, 100.0F, 1e30F}).requires_grad_(true);
  const at::Tensor y = silu_mul(gate, at::ones({5}));
  EXPECT_LE(max_abs_difference(y.slice(0, 1, 4), at::tensor({0.0F, 0.0F, 100.0F})), 1e-5);
  EXPECT_EQ(y[4].item<float>(), 1e30F);
  y.sum().backward();
  EXPECT_LE(max_abs_difference(gate.grad().slice(0, 1, 4), at::tensor({0.0F, 0.5F, 1.0F})), 1e-5);
}

}  // namespace
}  // namespace mentor
