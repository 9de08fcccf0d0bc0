#include "mentor/train/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace mentor {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

IntervalMetrics typical() {
  return {.step = 1200,
          .total_steps = 31250,
          .loss = 6.84123,
          .task_loss = {{"subject", 6.70134}, {"text_to_image", 6.91}},
          .grad_norm = 0.9312,
          .lr = 2.1e-4,
          .samples_per_s = 30.617,
          .tokens_per_s = 41237,
          .mfu = 0.3812,
          .data_wait = 0.0041,
          .memory_gib = 61.23,
          .eta_s = 8 * 3600 + 12 * 60 + 31};
}

TEST(ConsoleLine, ReadsAsDocumented) {
  EXPECT_EQ(console_line(typical()),
            "step  1200/31250 | loss 6.8412 | grad  0.93 | lr 2.10e-04 | 41.2k tok/s | "
            "30.62 smp/s | mfu 38.1% | data  0.4% | mem 61.2 GiB | eta  8h12m | "
            "t2i 6.9100 subj 6.7013");
}

TEST(ConsoleLine, LeavesOutWhatIsNotKnownAndCountsWhatWentWrong) {
  IntervalMetrics m = typical();
  m.mfu.reset();
  m.task_loss.clear();
  m.skipped_steps = 2;
  m.bad_records = 17;
  EXPECT_EQ(console_line(m),
            "step  1200/31250 | loss 6.8412 | grad  0.93 | lr 2.10e-04 | 41.2k tok/s | "
            "30.62 smp/s | data  0.4% | mem 61.2 GiB | eta  8h12m | 2 steps skipped | "
            "17 bad records");
}

// The columns of a run stay, whatever becomes of it.
TEST(ConsoleLine, HasOneWidthOverAllMagnitudes) {
  const size_t width = console_line(typical()).size();
  const auto expect_width = [&](const IntervalMetrics& m) {
    const std::string line = console_line(m);
    EXPECT_EQ(line.size(), width) << line;
  };
  for (const double value :
       {0.0, 1e-9, 3e-5, 0.00321, 0.49999, 0.99999, 9.99999, 99.9996, 312.5, 999.96, 1234.5,
        99999.9, 1e6, 8.7e8, 2.5e11, 1e20, std::numeric_limits<double>::infinity(), kNan}) {
    IntervalMetrics m = typical();
    m.loss = m.grad_norm = m.samples_per_s = m.task_loss["subject"] = value;
    m.memory_gib = std::min(value, 9999.0);
    m.lr = std::isfinite(value) ? std::min(value, 1e20) : 0;
    m.tokens_per_s = std::min(value, 9e11);
    expect_width(m);
  }
  for (const double seconds :
       {0.0, 59.4, 59.6, 61.0, 3599.7, 86400.0, 359'999.0, 360'001.0, 99 * 86400.0, -1.0, kNan}) {
    IntervalMetrics m = typical();
    m.eta_s = seconds;
    expect_width(m);
  }
  for (const double share : {0.0, 0.09999, 0.5, 0.99999, 1.0}) {
    IntervalMetrics m = typical();
    m.mfu = m.data_wait = share;
    expect_width(m);
  }
  for (const int64_t step : {int64_t{1}, int64_t{999}, int64_t{31250}}) {
    IntervalMetrics m = typical();
    m.step = step;
    expect_width(m);
  }
}

TEST(ConsoleLine, ShowsATaskWithoutSamplesInItsPlace) {
  IntervalMetrics m = typical();
  m.task_loss["recovery"] = kNan;
  EXPECT_THAT(console_line(m), testing::EndsWith("| t2i 6.9100 recov      - subj 6.7013"));
}

TEST(ConsoleLine, OfAValidation) {
  EXPECT_EQ(console_line(ValidationMetrics{.step = 1200,
                                           .loss = 6.90214,
                                           .task_loss = {{"subject", 6.7}},
                                           .samples = 500,
                                           .seconds = 12.2}),
            "validation at step 1200 | loss 6.9021 | subj 6.7000 | 500 samples in 12s");
}

TEST(OrderedTasks, KnownOnesAsInThePaperThenTheOthers) {
  EXPECT_THAT(
      ordered_tasks({{"a_new_one", 1}, {"multi_image", 1}, {"subject", 1}, {"text_to_image", 1}}),
      testing::ElementsAre("text_to_image", "subject", "multi_image", "a_new_one"));
}

TEST(ShortDuration, KeepsTwoUnits) {
  EXPECT_EQ(short_duration(42.4), "42s");
  EXPECT_EQ(short_duration(59.7), "1m00s");
  EXPECT_EQ(short_duration(750), "12m30s");
  EXPECT_EQ(short_duration(29'520), "8h12m");
  EXPECT_EQ(short_duration(4 * 86400 + 4 * 3600), "4d04h");
  EXPECT_EQ(short_duration(kNan), "?");
}

}  // namespace
}  // namespace mentor
