#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/train/lr_schedule.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

namespace mentor {
namespace {

using nlohmann::json;

LrSchedule schedule_of(const json& recorded) {
  return {.peak = recorded.at("peak"),
          .warmup = recorded.at("W"),
          .horizon = recorded.at("T"),
          .shape = parse_lr_shape(recorded.at("style").get<std::string>()),
          .final_ratio = recorded.at("decay_ratio")};
}

TEST(LearningRate, IsTheReferences) {
  const json expected = json::parse(read_text(fixture_path("lr/meta.json")));
  double largest = 0;
  for (const json& recorded : expected.at("cases")) {
    for (size_t i = 0; i < recorded.at("n").size(); ++i) {
      const double wanted = std::max(0.0, recorded.at("lr").at(i).get<double>());
      const double rate = learning_rate(schedule_of(recorded), recorded.at("n").at(i));
      EXPECT_NEAR(rate, wanted, 1e-12 * wanted) << recorded.at("style") << " n " << i;
      if (wanted > 0) largest = std::max(largest, std::abs(rate / wanted - 1));
    }
  }
  std::printf("golden lr max_rel=%.3g tol=1e-12\n", largest);
}

TEST(LearningRate, RisesToThePeakAndNeverGoesBelowItsEnd) {
  const LrSchedule schedule{.peak = 1e-3, .warmup = 10, .horizon = 100};
  EXPECT_EQ(learning_rate(schedule, 10), 1e-3);
  for (int64_t n = 1; n < 200; ++n) {
    const double now = learning_rate(schedule, n), next = learning_rate(schedule, n + 1);
    EXPECT_TRUE(n < 10 ? now < next : now >= next) << n;
  }
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 5000), 1e-4);
}

TEST(LearningRate, NamesTheShapesItKnows) {
  EXPECT_THROW((void)parse_lr_shape("step"), ConfigError);
}

}  // namespace
}  // namespace mentor
