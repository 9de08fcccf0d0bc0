#include "mentor/nn/linear_cross_entropy.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

/// Inputs of one loss; x and the weight are leaves.
struct Inputs {
  Inputs(int64_t rows, int64_t width, int64_t classes, at::ScalarType dtype)
      : x((at::randn({rows, width})).to(dtype).requires_grad_(true)),
        weight(at::randn({classes, width}).to(dtype).requires_grad_(true)),
        targets(at::randint(classes, {rows}, at::kLong)),
        weights(at::rand({rows})) {}

  [[nodiscard]] WeightedLosses fused() const {
    return linear_cross_entropy(x, weight, targets, weights);
  }
  /// The same of plain operators, from fp32 copies of x and the weight.
  [[nodiscard]] at::Tensor plain(at::Tensor& x_f32, at::Tensor& weight_f32) const {
    x_f32 = x.detach().to(at::kFloat).requires_grad_(true);
    weight_f32 = weight.detach().to(at::kFloat).requires_grad_(true);
    return at::cross_entropy_loss(at::linear(x_f32, weight_f32), targets, {}, at::Reduction::None);
  }

  at::Tensor x, weight, targets, weights;
};

double relative(const at::Tensor& actual, const at::Tensor& expected) {
  return max_abs_difference(actual, expected) / expected.abs().max().item<double>();
}

TEST(LinearCrossEntropy, EqualsLinearThenCrossEntropy) {
  at::manual_seed(1);
  // Numbers of classes with and without a rest of a vector; more rows than one chunk.
  for (const auto& [rows, classes] : {std::pair{1, 1}, {7, 5}, {33, 48}, {4100, 35}}) {
    const Inputs inputs(rows, 24, classes, at::kFloat);
    const WeightedLosses fused = inputs.fused();
    at::Tensor x, weight;
    const at::Tensor losses = inputs.plain(x, weight);
    EXPECT_LE(max_abs_difference(fused.losses_S, losses), 2e-5) << rows << " x " << classes;
    // An upstream gradient other than 1: the loss is part of a larger objective.
    (3 * fused.sum).backward();
    (3 * (losses * inputs.weights).sum()).backward();
    if (classes == 1) continue;  // all gradients are 0
    EXPECT_LE(relative(inputs.x.grad(), x.grad()), 1e-5) << rows << " x " << classes;
    EXPECT_LE(relative(inputs.weight.grad(), weight.grad()), 1e-5) << rows << " x " << classes;
  }
}

TEST(LinearCrossEntropy, HalvesStayWithinTheirRounding) {
  at::manual_seed(2);
  for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {  // own kernel, plain operators
    const Inputs inputs(4100, 32, 50, dtype);
    const WeightedLosses fused = inputs.fused();
    EXPECT_EQ(fused.losses_S.scalar_type(), at::kFloat);
    at::Tensor x, weight;
    const at::Tensor losses = inputs.plain(x, weight);
    fused.sum.backward();
    (losses * inputs.weights).sum().backward();
    EXPECT_EQ(inputs.weight.grad().scalar_type(), dtype);
    EXPECT_LE(relative(fused.losses_S, losses), 0.01);
    EXPECT_LE(relative(inputs.x.grad(), x.grad()), 0.02);
    EXPECT_LE(relative(inputs.weight.grad(), weight.grad()), 0.02);
  }
}

TEST(LinearCrossEntropy, FrozenInputsGetNoGradient) {
  at::manual_seed(3);
  Inputs inputs(9, 8, 20, at::kFloat);
  inputs.weight.set_requires_grad(false);
  inputs.fused().sum.backward();
  EXPECT_TRUE(inputs.x.grad().defined());
  EXPECT_FALSE(inputs.weight.grad().defined());
  const at::NoGradGuard no_grad;
  const WeightedLosses plain = inputs.fused();
  EXPECT_FALSE(plain.sum.requires_grad());
  EXPECT_NEAR(plain.sum.item<double>(), plain.losses_S.dot(inputs.weights).item<double>(), 1e-5);
}

TEST(LinearCrossEntropy, ExtremeLogitsStayFinite) {
  const at::Tensor x = at::full({1, 1}, 1e4F).requires_grad_(true);
  const at::Tensor weight = at::tensor({-1.0F, 1.0F, 0.5F}).unsqueeze(1).requires_grad_(true);
  const auto loss_of = [&](int64_t target) {
    return linear_cross_entropy(x, weight, at::tensor({target}), at::ones({1}));
  };
  EXPECT_EQ(loss_of(1).sum.item<double>(), 0);
  EXPECT_EQ(loss_of(0).sum.item<double>(), 2e4);
  loss_of(0).sum.backward();
  EXPECT_TRUE(weight.grad().isfinite().all().item<bool>());
  EXPECT_EQ(x.grad().item<double>(), 2);
}

TEST(LinearCrossEntropy, RefusesWhatDoesNotFit) {
  const Inputs good(4, 8, 16, at::kFloat);
  EXPECT_THROW((void)linear_cross_entropy(good.x, good.weight, good.targets + 16, good.weights),
               c10::Error);
  EXPECT_THROW((void)linear_cross_entropy(good.x, good.weight, good.targets.slice(0, 1),
                                          good.weights.slice(0, 1)),
               c10::Error);
  EXPECT_THROW(
      (void)linear_cross_entropy(good.x.to(at::kBFloat16), good.weight, good.targets, good.weights),
      c10::Error);
}

}  // namespace
}  // namespace mentor
