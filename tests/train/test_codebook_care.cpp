#include "mentor/train/codebook_care.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

at::Tensor unit_rows(int64_t count, int64_t width) {
  at::manual_seed(3);
  const at::Tensor rows = at::randn({count, width});
  return rows / rows.norm(2, {1}, true);
}

/// Largest cosine of each row with any of the latents.
at::Tensor nearness(const CodebookRows& rows, const at::Tensor& latent_ME) {
  return std::get<0>(at::mm(rows.values_RE, latent_ME.t()).max(1));
}

TEST(CountCodes, CountsEveryCode) {
  const at::Tensor codes = at::tensor({3, 0, 3, 1, 3, 0}, at::kLong).view({2, 3});
  EXPECT_TRUE(at::equal(count_codes(codes, 5), at::tensor({2, 1, 0, 3, 0}, at::kLong)));
}

TEST(InitialRows, AreOutputsOfTheEncoder) {
  const at::Tensor latent = unit_rows(300, 8);
  const CodebookRows rows = initial_rows(64, latent, {.seed = 5, .step = 9, .noise = 0});
  EXPECT_TRUE(at::equal(rows.rows_R, at::arange(64, at::kLong)));
  EXPECT_GT(nearness(rows, latent).min().item<double>(), 1 - 1e-6);
  EXPECT_GT(std::get<0>(at::unique_dim(rows.values_RE, 0)).size(0), 50);
}

TEST(InitialRows, NoiseKeepsRowsOfOneOutputApart) {
  const at::Tensor latent = unit_rows(1, 8);
  const CodebookRows rows = initial_rows(32, latent, {.seed = 5, .noise = 0.01});
  EXPECT_EQ(std::get<0>(at::unique_dim(rows.values_RE, 0)).size(0), 32);
  EXPECT_GT(nearness(rows, latent).min().item<double>(), 0.99);
  EXPECT_NEAR((rows.values_RE.norm(2, {1}) - 1).abs().max().item<double>(), 0, 1e-6);
}

TEST(InitialRows, DependOnSeedAndStepAlone) {
  const at::Tensor latent = unit_rows(100, 8);
  const auto values = [&](uint64_t seed, int64_t step) {
    (void)at::rand({3});  // torch's own generator does not count
    return initial_rows(16, latent, {.seed = seed, .step = step}).values_RE;
  };
  EXPECT_TRUE(at::equal(values(1, 50), values(1, 50)));
  EXPECT_FALSE(at::equal(values(1, 50), values(1, 100)));
  EXPECT_FALSE(at::equal(values(1, 50), values(2, 50)));
}

TEST(RevivedRows, AreTheUnusedCodesAndNoOthers) {
  const at::Tensor latent = unit_rows(40, 8);
  const CodebookRows rows =
      revived_rows(at::tensor({4, 0, 1, 0, 0, 7}, at::kLong), latent, {.seed = 1, .step = 50});
  EXPECT_TRUE(at::equal(rows.rows_R, at::tensor({1, 3, 4}, at::kLong)));
  EXPECT_GT(nearness(rows, latent).min().item<double>(), 0.99);
}

TEST(RevivedRows, MayBeNone) {
  const CodebookRows rows = revived_rows(at::ones({6}, at::kLong), unit_rows(4, 8), {});
  EXPECT_EQ(rows.rows_R.numel(), 0);
}

}  // namespace
}  // namespace mentor
