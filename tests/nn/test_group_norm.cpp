#include "mentor/nn/group_norm.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <limits>

namespace mentor {
namespace {

constexpr double kEpsilon = 1e-6;

GroupNormArgs random_args(int64_t channels, NormActivation activation) {
  return {.groups = 32,
          .weight = 1 + 0.2 * at::randn({channels}),
          .bias = 0.1 * at::randn({channels}),
          .eps = kEpsilon,
          .activation = activation};
}

/// The definition in fp64.
at::Tensor expected_norm(const at::Tensor& x, const GroupNormArgs& args) {
  const at::Tensor y =
      at::group_norm(x.to(at::kDouble).contiguous(), args.groups, args.weight.to(at::kDouble),
                     args.bias.to(at::kDouble), args.eps);
  return args.activation == NormActivation::kSwish ? y * y.sigmoid() : y;
}

at::Tensor random_picture(at::IntArrayRef sizes) {
  return (3 * at::randn(sizes) + 1).contiguous(at::MemoryFormat::ChannelsLast);
}

struct NormCase {
  std::vector<int64_t> sizes;
  NormActivation activation;
};

class GroupNormKernel : public ::testing::TestWithParam<NormCase> {};

TEST_P(GroupNormKernel, IsTheDefinition) {
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  const at::Tensor x = random_picture(GetParam().sizes);
  const GroupNormArgs args = random_args(x.size(1), GetParam().activation);
  expect_close("group_norm.fp32", group_norm(x, args), expected_norm(x, args), 4e-6);
  const at::Tensor x_bf16 = x.to(at::kBFloat16);
  const at::Tensor y_bf16 = group_norm(x_bf16, args);
  EXPECT_EQ(y_bf16.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(y_bf16.is_contiguous(at::MemoryFormat::ChannelsLast));
  // One rounding to 8 bits of mantissa: half of 2^-7 of a value below 8.
  expect_close("group_norm.bf16", y_bf16, expected_norm(x_bf16, args), 8.0 / 256);
}

INSTANTIATE_TEST_SUITE_P(Sizes, GroupNormKernel,
                         ::testing::Values(NormCase{{1, 32, 1, 1}, NormActivation::kNone},
                                           NormCase{{2, 64, 5, 7}, NormActivation::kSwish},
                                           NormCase{{1, 128, 40, 33}, NormActivation::kSwish},
                                           NormCase{{3, 96, 16, 31}, NormActivation::kNone},
                                           NormCase{{1, 512, 9, 8}, NormActivation::kSwish}));

TEST(GroupNorm, FaintPictureOnALargeMean) {
  // The variance is 1e-6 of the squared mean: a sum of squares in fp32 alone would lose it.
  const at::NoGradGuard no_grad;
  at::manual_seed(2);
  const at::Tensor x =
      (0.01 * at::randn({1, 32, 64, 64}) + 10).contiguous(at::MemoryFormat::ChannelsLast);
  const GroupNormArgs args = random_args(32, NormActivation::kNone);
  expect_close("group_norm.faint", group_norm(x, args), expected_norm(x, args), 1e-5);
}

TEST(GroupNorm, ExtremeValuesOfSwish) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::linspace(-120, 120, 32 * 64).view({1, 32, 8, 8});
  GroupNormArgs args{.groups = 32, .weight = at::full({32}, 60.0), .bias = at::zeros({32})};
  args.eps = kEpsilon;
  args.activation = NormActivation::kSwish;
  const at::Tensor y = group_norm(x.contiguous(at::MemoryFormat::ChannelsLast), args);
  expect_close("group_norm.extreme", y, expected_norm(x, args), 1.5e-4);
  at::Tensor broken = x.clone(at::MemoryFormat::ChannelsLast);
  broken[0][3][2][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(group_norm(broken, args)[0][3].isnan().all().item<bool>());
  EXPECT_TRUE(group_norm(broken.to(at::kBFloat16), args)[0][3].isnan().all().item<bool>());
}

TEST(GroupNorm, SampleDoesNotDependOnBatchOrThreads) {
  const at::NoGradGuard no_grad;
  at::manual_seed(3);
  const at::Tensor x = random_picture({3, 64, 40, 30});
  const GroupNormArgs args = random_args(64, NormActivation::kSwish);
  const at::Tensor together = group_norm(x, args);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(at::equal(group_norm(x.slice(0, i, i + 1), args), together.slice(0, i, i + 1)));
  }
  at::set_num_threads(threads);
}

TEST(GroupNorm, OverwritesOnlyWhenAllowed) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = random_picture({1, 32, 4, 4});
  GroupNormArgs args = random_args(32, NormActivation::kSwish);
  const at::Tensor before = x.clone();
  const at::Tensor y = group_norm(x, args);
  EXPECT_TRUE(at::equal(x, before));
  args.overwrite = true;
  const at::Tensor in_place = group_norm(x, args);
  EXPECT_EQ(in_place.const_data_ptr(), x.const_data_ptr());
  EXPECT_TRUE(at::equal(in_place, y));
}

TEST(GroupNorm, WithGradientsTakesTheDifferentiablePath) {
  at::manual_seed(4);
  const at::Tensor x = random_picture({1, 32, 4, 4}).requires_grad_(true);
  GroupNormArgs args = random_args(32, NormActivation::kSwish);
  args.overwrite = true;
  const at::Tensor before = x.detach().clone();
  const at::Tensor y = group_norm(x, args);
  y.square().sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_TRUE(at::equal(x.detach(), before));
  expect_close("group_norm.autograd", y, expected_norm(x.detach(), args), 4e-6);
}

}  // namespace
}  // namespace mentor
