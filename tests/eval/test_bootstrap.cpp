#include "mentor/eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace mentor {
namespace {

TEST(Bootstrap, DrawsWithinStrata) {
  const std::vector<int> stratum = {0, 0, 0, 7, 7, 9};
  std::vector<int64_t> drawn(stratum.size());
  int64_t draws = 0;
  draw_subjects(stratum, {.draws = 4000, .seed = 3}, [&](std::span<const int> times) {
    ASSERT_EQ(times.size(), stratum.size());
    EXPECT_EQ(times[0] + times[1] + times[2], 3);
    EXPECT_EQ(times[3] + times[4], 2);
    EXPECT_EQ(times[5], 1);
    for (size_t i = 0; i < drawn.size(); ++i) drawn[i] += times[i];
    ++draws;
  });
  EXPECT_EQ(draws, 4000);
  for (const int64_t count : drawn) EXPECT_NEAR(static_cast<double>(count), 4000, 200);
}

std::vector<int> all_draws(uint64_t seed) {
  std::vector<int> all;
  draw_subjects(
      std::vector<int>(20, 0), {.draws = 50, .seed = seed},
      [&](std::span<const int> times) { all.insert(all.end(), times.begin(), times.end()); });
  return all;
}

TEST(Bootstrap, IsAFunctionOfItsSeed) {
  EXPECT_EQ(all_draws(1), all_draws(1));
  EXPECT_NE(all_draws(1), all_draws(2));
}

TEST(Bootstrap, IntervalIsTheMiddle) {
  std::vector<double> values(201);
  std::iota(values.rbegin(), values.rend(), 0);  // 0 to 200, shuffled enough: backwards
  const Interval middle = middle_95(values).value();
  EXPECT_DOUBLE_EQ(middle.low, 5);
  EXPECT_DOUBLE_EQ(middle.high, 195);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Interval between = middle_95({nan, 1, 0}).value();
  EXPECT_DOUBLE_EQ(between.low, 0.025);
  EXPECT_DOUBLE_EQ(between.high, 0.975);
  EXPECT_FALSE(middle_95({nan}));
}

/// The interval of a mean of n subjects is as wide as theory says: 2 * 1.96 standard errors.
TEST(Bootstrap, IntervalHasTheRightWidth) {
  constexpr int kSubjects = 100;
  std::vector<double> means;
  draw_subjects(std::vector<int>(kSubjects, 0), {}, [&](std::span<const int> times) {
    double sum = 0;
    for (int i = 0; i < kSubjects; ++i) sum += times[i] * i;
    means.push_back(sum / kSubjects);
  });
  const Interval interval = middle_95(means).value();
  const double error = std::sqrt((kSubjects * kSubjects - 1) / 12.0 / kSubjects);
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 * error, 0.25);
  EXPECT_NEAR((interval.high + interval.low) / 2, 49.5, 0.15);
}

}  // namespace
}  // namespace mentor
