#include "mentor/eval/input.h"
#include "mentor/eval/judging.h"
#include "support/drawn_dataset.h"
#include "support/mock_chat_server.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>

namespace mentor {
namespace {

double resident_megabytes() {
  int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / 1e6;
}

TEST(JudgingSpeed, AFullDataSetTakesSecondsAndNoMemory) {
  const TempDir dir;
  draw_dataset(
      dir / "data",
      {{"live_subject/animal", 45}, {"live_subject/human", 20}, {"object", 65}, {"style", 20}});
  EvaluateConfig config;
  config.dataset = dir / "data";
  config.samples = dir / "samples";
  config.out = dir / "out";
  std::vector<std::string> problems;
  const Dataset dataset =
      read_dataset(config.dataset, {kCategories.begin(), kCategories.end()}, problems);
  EXPECT_TRUE(dataset.has_published_size());
  draw_samples(config.samples, dataset);
  double early = 0, late = 0;
  const MockChatServer server(
      [&](const MockRequest&, int64_t number) {
        if (number == 450) early = resident_megabytes();
        if (number == 2699) late = resident_megabytes();
        return chat_reply("Score: 2");
      },
      /*keep=*/false);
  config.judge.url = server.url();
  config.judge.model = "mock";
  config.judge.key_variable = "";
  config.judge.runs = 1;
  config.judge.in_flight = 32;
  config.judge.image_size = 64;
  const auto begin = std::chrono::steady_clock::now();
  const JudgingState state = judge_samples(config, read_input(config).items);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(state.text(), "ok 2700");
  std::printf("%.0f ratings/s, %.1f MB at 450, %.1f MB at 2700\n", 2700 / taken.count(), early,
              late);
  EXPECT_GE(2700 / taken.count(), 300);
  EXPECT_LT(late - early, 16);
}

}  // namespace
}  // namespace mentor
