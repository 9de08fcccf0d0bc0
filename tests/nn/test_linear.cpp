#include "mentor/nn/layers.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

// Around the borders at which the kernel for few rows ends and a bf16 product is cut in two.
TEST(Linear, EqualsTheProductForEveryNumberOfRows) {
  at::manual_seed(3);
  const at::Tensor weight = at::randn({48, 64}), bias = at::randn({48});
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor w = weight.to(dtype), b = bias.to(dtype);
    for (const int64_t rows : {1, 32, 33, 256, 257, 384, 385, 512, 513}) {
      const at::Tensor x = at::randn({rows, 64}).to(dtype);
      const std::string name = "linear." + std::to_string(rows) + "." + c10::toString(dtype);
      const at::Tensor product = at::matmul(x.to(at::kFloat), w.to(at::kFloat).t());
      // bf16: half a step of 2^-7 at values below 64, once for each rounding.
      const double tolerance = dtype == at::kFloat ? 1e-4 : 0.25;
      const at::Tensor y = mentor::linear(x, w, b);
      EXPECT_EQ(y.scalar_type(), dtype);
      EXPECT_LE(max_abs_difference(y.to(at::kFloat), product + b.to(at::kFloat)), tolerance)
          << name;
      EXPECT_LE(max_abs_difference(mentor::linear(x, w).to(at::kFloat), product), tolerance)
          << name;
    }
  }
}

TEST(Linear, KeepsLeadingDimensionsAndGradients) {
  const at::Tensor weight = at::randn({5, 8}).to(at::kBFloat16);
  const at::Tensor x = at::randn({3, 100, 8}).to(at::kBFloat16);
  EXPECT_EQ(mentor::linear(x, weight).sizes(), at::IntArrayRef({3, 100, 5}));
  EXPECT_EQ(mentor::linear(x.transpose(0, 1), weight).sizes(), at::IntArrayRef({100, 3, 5}));
  const at::Tensor trained = weight.detach().clone().requires_grad_();
  mentor::linear(x, trained).sum().backward();
  EXPECT_TRUE(trained.grad().defined());
}

}  // namespace
}  // namespace mentor
