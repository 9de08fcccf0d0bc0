#include "mentor/app/ablation_scores.h"
#include "mentor/core/error.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

namespace mentor {
namespace {

using testing::HasSubstr;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

PictureScore picture(int64_t identity, double cp, double pf, double untold = 0) {
  PictureScore score{.identity = identity};
  score.figures[kCpFigure] = cp;
  score.figures[kPfFigure] = pf;
  score.figures[kUntoldFigure] = untold;
  return score;
}

void expect_near(const Estimate& estimate, double mean, double low, double high) {
  EXPECT_NEAR(estimate.mean, mean, 1e-12);
  EXPECT_NEAR(estimate.low, low, 1e-12);
  EXPECT_NEAR(estimate.high, high, 1e-12);
}

TEST(AblationScores, MeansAreOverPicturesAndTheProductIsThatOfTheMeans) {
  const RowScores row = {{picture(1, 0.2, 1, kNone), picture(1, 0.6, 0.5, 0.4)},
                         {picture(1, 0.2, 1, kNone), picture(1, 0.6, 0.5, 0.4)}};
  const RowEstimates estimates = estimate_rows({row}, 0).front();
  // One identity and equal seeds: every draw is the same.
  expect_near(estimates.figures[kCpFigure], 0.4, 0.4, 0.4);
  expect_near(estimates.figures[kPfFigure], 0.75, 0.75, 0.75);
  expect_near(estimates.figures[kProductFigure], 0.3, 0.3, 0.3);
  expect_near(estimates.figures[kRatioFigure], 0.4 / 0.75, 0.4 / 0.75, 0.4 / 0.75);
  expect_near(estimates.figures[kUntoldFigure], 0.4, 0.4, 0.4);  // of those that have one
  expect_near(estimates.differences[kCpFigure], 0, 0, 0);
}

TEST(AblationScores, SeedsAreASmallSample) {
  // Deviation of the mean of two: 0.2; Student's t with one degree of freedom: 12.706.
  const RowScores two = {{picture(1, 0.2, 1)}, {picture(1, 0.6, 1)}};
  const RowEstimates of_two = estimate_rows({two}, 0).front();
  expect_near(of_two.figures[kCpFigure], 0.4, 0.4 - 12.706 * 0.2, 0.4 + 12.706 * 0.2);
  EXPECT_EQ(of_two.by_seed[kCpFigure], (std::vector<double>{0.2, 0.6}));
  // Of three: 0.2 / sqrt(3), and 4.303 with two degrees.
  const RowScores three = {{picture(1, 0.2, 1)}, {picture(1, 0.4, 1)}, {picture(1, 0.6, 1)}};
  const double half = 4.303 * 0.2 / std::sqrt(3.0);
  expect_near(estimate_rows({three}, 0).front().figures[kCpFigure], 0.4, 0.4 - half, 0.4 + half);
}

TEST(AblationScores, IdentitiesAreTheSameForAllSeeds) {
  // An identity is as hard for one seed as for the other: the deviation of the mean of sixteen is
  // 0.5 / sqrt(16) however many seeds there are. Drawn for each of four seeds it would be half.
  std::vector<PictureScore> half_right;
  for (int64_t i = 0; i < 16; ++i) half_right.push_back(picture(i, i % 2 == 0 ? 1 : 0, 1));
  const Estimate cp =
      estimate_rows({{half_right, half_right, half_right, half_right}}, 0).front().figures[0];
  EXPECT_NEAR(cp.high - cp.low, 2 * 2.131 * 0.125, 0.03);
}

TEST(AblationScores, IntervalsHoldTheTruthAsOftenAsTheySay) {
  // Three seeds and twenty identities around .5, with deviations of which first the seeds', then
  // the identities' is nearly all of that of the mean.
  std::mt19937 bits(7);
  for (const auto& [of_seeds, of_identities] : {std::pair(0.1, 0.02), std::pair(0.002, 0.2)}) {
    std::normal_distribution<double> seed_effect(0, of_seeds), identity_effect(0, of_identities);
    constexpr int kTimes = 300;
    int held = 0;
    for (int i = 0; i < kTimes; ++i) {
      std::array<double, 20> identities{};
      for (double& effect : identities) effect = identity_effect(bits);
      RowScores row(3);
      for (auto& pictures : row) {
        const double seed = seed_effect(bits);
        for (int64_t id = 0; id < 20; ++id) {
          pictures.push_back(picture(id, 0.5 + seed + identities.at(id), 1));
        }
      }
      const Estimate cp = estimate_rows({row}, 0).front().figures[kCpFigure];
      held += cp.low <= 0.5 && 0.5 <= cp.high ? 1 : 0;
    }
    EXPECT_GE(held, kTimes * 0.92) << of_seeds;
    EXPECT_LE(held, kTimes * 0.985) << of_seeds;
  }
}

TEST(AblationScores, DifferencesArePaired) {
  RowScores full, better;
  for (int seed = 0; seed < 3; ++seed) {
    full.emplace_back();
    better.emplace_back();
    for (int64_t identity = 0; identity < 10; ++identity) {
      const double cp = 0.05 * static_cast<double>(identity) + 0.1 * seed;
      full.back().push_back(picture(identity, cp, 0.9));
      better.back().push_back(picture(identity, cp + 0.01, 0.9));
    }
  }
  const std::vector<RowEstimates> rows = estimate_rows({full, better}, 0);
  EXPECT_GT(rows[1].figures[kCpFigure].high - rows[1].figures[kCpFigure].low, 0.1);
  EXPECT_NEAR(rows[1].differences[kCpFigure].low, 0.01, 1e-9);
  EXPECT_NEAR(rows[1].differences[kCpFigure].high, 0.01, 1e-9);
  EXPECT_NEAR(rows[1].differences[kProductFigure].mean, 0.009, 1e-9);
}

TEST(AblationScores, AgreementNeedsAnIntervalWithoutZero) {
  EXPECT_EQ(agreement(-0.3, {.mean = -0.1, .low = -0.2, .high = -0.01}), Agreement::kYes);
  EXPECT_EQ(agreement(0.1, {.mean = 0.1, .low = 0.01, .high = 0.2}), Agreement::kYes);
  EXPECT_EQ(agreement(0.1, {.mean = -0.1, .low = -0.2, .high = -0.01}), Agreement::kNo);
  EXPECT_EQ(agreement(-0.3, {.mean = -0.1, .low = -0.2, .high = 0.01}), Agreement::kWithinNoise);
  EXPECT_EQ(agreement(-0.3, {.mean = 0, .low = 0, .high = 0}), Agreement::kWithinNoise);
  EXPECT_EQ(agreement(-0.3, {.mean = kNone, .low = kNone, .high = kNone}), Agreement::kWithinNoise);
  EXPECT_EQ(name_of(Agreement::kWithinNoise), "within noise");
}

TEST(AblationScores, ReadsWhatTheOracleWrote) {
  const TempDir dir;
  std::string figures;
  for (const std::string_view name : kAblationFigures) {
    figures += ", \"" + std::string(name) + "\": " + (name == "untold CP" ? "null" : "0.25");
  }
  write_text(dir / "scores.json",
             R"({"pictures": [{"file": "a.png", "identity": 7)" + figures + "}]}");
  const std::vector<PictureScore> pictures = read_picture_scores(dir / "scores.json");
  ASSERT_EQ(pictures.size(), 1U);
  EXPECT_EQ(pictures[0].identity, 7);
  EXPECT_EQ(pictures[0].figures[kCpFigure], 0.25);
  EXPECT_TRUE(std::isnan(pictures[0].figures[kUntoldFigure]));
  for (const char* text : {"{}", "{\"pictures\": [{}]}", "not json"}) {
    write_text(dir / "wrong.json", text);
    try {
      (void)read_picture_scores(dir / "wrong.json");
      FAIL() << text;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("wrong.json: holds no scores"));
    }
  }
}

}  // namespace
}  // namespace mentor
