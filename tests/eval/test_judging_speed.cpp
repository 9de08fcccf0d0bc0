#include "mentor/eval/chat.h"
#include "mentor/eval/input.h"
#include "mentor/eval/judging.h"
#include "mentor/eval/question.h"
#include "support/drawn_dataset.h"
#include "support/mock_chat_server.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>

namespace mentor {
namespace {

double resident_megabytes() {
  int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / 1e6;
}

/// 1350 pictures, each `side` pixels wide and high, asked about twice at 32 in flight: ratings a
/// second. Memory is flat from the request `warm` on.
double judge_a_full_dataset(int64_t side, int64_t grain, int64_t warm) {
  const TempDir dir;
  draw_dataset(
      dir / "data",
      {{"live_subject/animal", 45}, {"live_subject/human", 20}, {"object", 65}, {"style", 20}},
      side);
  EvaluateConfig config;
  config.dataset = dir / "data";
  config.samples = dir / "samples";
  config.out = dir / "out";
  std::vector<std::string> problems;
  const Dataset dataset =
      read_dataset(config.dataset, {kCategories.begin(), kCategories.end()}, problems);
  EXPECT_TRUE(dataset.has_published_size());
  draw_samples(config.samples, dataset, 1, side, grain);
  double early = 0, late = 0;
  const MockChatServer server(
      [&](const MockRequest&, int64_t number) {
        if (number == warm) early = resident_megabytes();
        if (number == 2699) late = resident_megabytes();
        return chat_reply("Score: 2");
      },
      /*keep=*/false);
  config.judge.url = server.url();
  config.judge.model = "mock";
  config.judge.key_variable = "";
  config.judge.runs = 1;
  config.judge.in_flight = 32;
  config.judge.image_size = side;
  const std::vector<SampleFiles> items = read_input(config).items;
  const std::clock_t used = std::clock();  // by the program and the server
  const auto begin = std::chrono::steady_clock::now();
  const JudgingState state = judge_samples(config, items);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  const double processor = static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC;
  EXPECT_EQ(state.text(), "ok 2700");
  std::printf("%d px: %.0f ratings/s, %.0f/s of processor time, %.1f MB at %d, %.1f MB at 2700\n",
              static_cast<int>(side), 2700 / taken.count(), 2700 / processor, early,
              static_cast<int>(warm), late);
  EXPECT_GE(2700 / processor, 300);
  EXPECT_LT(late - early, 16);
  return 2700 / taken.count();
}

TEST(JudgingSpeed, SmallPicturesTakeSecondsAndNoMemory) {
  EXPECT_GE(judge_a_full_dataset(16, 0, 450), 300);
}

// As large as the method's. How long that takes depends on what else the machine does: processor
// time is what counts. By the middle the encoded pictures that are kept have reached their limit.
TEST(JudgingSpeed, LargePicturesTakeSecondsAndNoMemory) { judge_a_full_dataset(512, 12, 1350); }

TEST(JudgingSpeed, PicturesAreEncodedOnceForAllQuestions) {
  const TempDir dir;
  draw_dataset(dir / "data", {{"object", 2}}, 512);
  EvaluateConfig config;
  config.dataset = dir / "data";
  config.samples = dir / "samples";
  config.categories = {"object"};
  config.judge.runs = 2;
  std::vector<std::string> problems;
  draw_samples(config.samples, read_dataset(config.dataset, {Category::kObject}, problems), 1, 512);
  const std::vector<Question> questions =
      wanted_ratings(config, read_input(config).items, load_rubric({}), {.model = "mock"});
  const auto seconds = [&](size_t most_bytes) {  // of this process, whatever else runs
    QuestionPictures pictures(config.judge, most_bytes);
    const std::clock_t begin = std::clock();
    for (const Question& question : questions) EXPECT_FALSE(pictures.of(question).empty());
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  const double anew = seconds(0), once = seconds(QuestionPictures::kMostBytes);
  const auto count = static_cast<double>(questions.size());
  std::printf("questions/s of 512 px: %.0f, %.0f where nothing is kept\n", count / once,
              count / anew);
  EXPECT_LT(once, anew / 2);  // 20 different pictures in 108 places
}

}  // namespace
}  // namespace mentor
