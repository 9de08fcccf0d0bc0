#include "mentor/nn/dropout.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mentor {
namespace {

at::Tensor seeded(uint64_t seed, const at::Tensor& x, double probability) {
  at::manual_seed(seed);
  return drop(x, probability, /*training=*/true);
}

TEST(Dropout, DropsTheShareAndScalesTheRest) {
  for (const double probability : {0.1, 0.5, 0.9}) {
    const at::Tensor y = seeded(1, at::ones({1000, 1003}), probability);
    const at::Tensor kept = y.ne(0);
    const double share = kept.to(at::kDouble).mean().item<double>();
    const double deviation = std::sqrt(probability * (1 - probability) / 1003000);
    EXPECT_NEAR(share, 1 - probability, 5 * deviation);
    EXPECT_TRUE(at::allclose(y.masked_select(kept), at::scalar_tensor(1 / (1 - probability))));
    EXPECT_NEAR(y.mean(at::kDouble).item<double>(), 1, 5 * deviation / (1 - probability));
  }
}

TEST(Dropout, DecisionsAreIndependentOfPlaceAndCall) {
  const at::Tensor x = at::ones({1 << 20});
  const at::Tensor first = seeded(2, x, 0.5) - 1, second = drop(x, 0.5, true) - 1;  // -1 or 1
  const double bound = 5 / std::sqrt(static_cast<double>(x.numel()));
  EXPECT_NEAR(first.dot(second).item<double>() / static_cast<double>(x.numel()), 0, bound);
  for (const int64_t lag : {1, 4, 16, 64, 256, 768, 16384}) {
    const at::Tensor shifted = first.slice(0, lag), head = first.slice(0, 0, x.numel() - lag);
    EXPECT_NEAR(head.dot(shifted).item<double>() / static_cast<double>(x.numel()), 0, bound) << lag;
  }
}

TEST(Dropout, FollowsTheSeedAndNotTheThreads) {
  const at::Tensor x = at::randn({100, 777});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = seeded(3, x, 0.3), next = drop(x, 0.3, true);
  at::set_num_threads(4);
  const at::Tensor four = seeded(3, x, 0.3);
  at::set_num_threads(threads);
  EXPECT_TRUE(one.equal(four));
  EXPECT_FALSE(one.equal(next));
  EXPECT_FALSE(one.equal(seeded(4, x, 0.3)));
}

TEST(Dropout, GradientPassesWhereTheValueDid) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::ones({33, 21}, dtype).requires_grad_(true);
    const at::Tensor dy = at::randn({33, 21}).to(dtype);
    const at::Tensor y = seeded(5, x, 0.25);
    EXPECT_EQ(y.scalar_type(), dtype);
    y.backward(dy);
    const at::Tensor expected = dy.to(at::kFloat) * y.detach().ne(0) / 0.75;
    EXPECT_TRUE(at::allclose(x.grad().to(at::kFloat), expected, 0.004, 0));
  }
}

TEST(Dropout, AddsToTheResidualWhatItWouldGiveAlone) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor residual = at::randn({50, 70}).requires_grad_(true);
    const at::Tensor update = at::randn({50, 70}).to(dtype).requires_grad_(true);
    at::manual_seed(6);
    const at::Tensor sum = add_dropout(residual, update, 0.2, true);
    const at::Tensor alone = seeded(6, update.detach().to(at::kFloat), 0.2);
    EXPECT_LE(max_abs_difference(sum, residual + alone), 1e-6);
    const at::Tensor dy = at::randn({50, 70});
    sum.backward(dy);
    EXPECT_TRUE(residual.grad().equal(dy));
    EXPECT_EQ(update.grad().scalar_type(), dtype);
    EXPECT_TRUE(at::allclose(update.grad().to(at::kFloat), dy * alone.ne(0) / 0.8, 0.004, 1e-7));
  }
}

TEST(Dropout, IsOffOutsideTrainingAndAtZero) {
  const at::Tensor x = at::randn({9, 9});
  EXPECT_TRUE(drop(x, 0.5, /*training=*/false).equal(x));
  EXPECT_TRUE(drop(x, 0, /*training=*/true).equal(x));
  EXPECT_TRUE(add_dropout(x, x, 0.5, /*training=*/false).equal(x + x));
  EXPECT_TRUE(drop(x, 1, /*training=*/true).equal(at::zeros({9, 9})));
  EXPECT_TRUE(add_dropout(x, x, 1, /*training=*/true).equal(x));
  EXPECT_THROW((void)drop(x, 1.5, true), c10::Error);
}

}  // namespace
}  // namespace mentor
