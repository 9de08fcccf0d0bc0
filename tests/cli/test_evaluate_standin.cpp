#include "support/check_markup.h"
#include "support/clone.h"
#include "support/embedder_fixture.h"
#include "support/mentor_program.h"
#include "support/one_message.h"
#include "support/standin.h"
#include "support/troubled_server.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Which prompt of its subject a text is, 0 to 8.
std::map<std::string, int64_t> numbers_of_prompts(const fs::path& data) {
  std::vector<std::string> problems;
  std::map<std::string, int64_t> numbers;
  for (const Subject& subject :
       read_dataset(data, {Category::kAnimal, Category::kObject}, problems).subjects) {
    for (const std::string& prompt : subject.prompts) {
      numbers.emplace(prompt, static_cast<int64_t>(&prompt - subject.prompts.data()));
    }
  }
  return numbers;
}

// The whole protocol by its own file, whose comment says what it wants: all 30 photos, a server at
// which everything goes wrong once, small networks with random weights.
TEST(EvaluateStandIn, GoesFromPhotosToAReport) {
  const fs::path data = standin_dataset();
  if (data.empty()) GTEST_SKIP() << kNoPhotos;
  const TempDir dir;
  const fs::path clone = dir / "clone";
  const std::string config = in_clone(clone, "evaluate_standin.yaml").string();
  fs::create_directories(dir / "shared");
  fs::create_directory_symlink(fs::absolute(data.parent_path()), dir / "shared/photos");
  const ProgramResult weights =
      mentor({"weights", "init", "--preset", "tiny", "--out", (clone / "weights/tiny").string()});
  ASSERT_EQ(weights.exit_code, 0) << weights.err;

  const std::map<std::string, int64_t> numbers = numbers_of_prompts(data);
  const MockChatServer server([&](const MockRequest& request, int64_t number) {
    const std::string caption = request.caption();
    return troubled(caption.empty() ? priced_reply(3, "Much the same animal or thing.\n")
                                    : priced_reply(numbers.at(caption) % 5),
                    number);
  });
  std::vector<std::string> words = {"evaluate", "run", config};
  const auto set = [&words](const std::string& setting) {
    words.insert(words.end(), {"--set", setting});
  };
  for (const std::string& setting : kPrices) set(setting);
  for (const std::string& tower : write_towers({}, dir.path())) set("evaluate." + tower);
  set("evaluate.judge.url=" + server.url());
  for (const char* setting : {"evaluate.judge.timeout=2", "evaluate.judge.backoff=0.01",
                              "evaluate.report.draws=200", "runtime.threads=1"}) {
    set(setting);
  }
  const ProgramResult result = mentor(words);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("samples: 270 pictures, 0 of them were there before"),
                                HasSubstr("270 of 270 pictures with reference and text"),
                                HasSubstr("270 pictures, 0 of them as measured before"),
                                HasSubstr("to ask: 270 questions on CP, 270 on PF, in 1 run\n"),
                                HasSubstr("540 ratings: ok 540; 0 of them were there before")));
  EXPECT_EQ(server.count(), 540 + kTroubles);
  const fs::path out = clone / "out/standin/evaluation";
  expect_troubled_attempts(read_attempts(ratings_file(out)), 540, result.out);

  const auto summary = nlohmann::json::parse(read_text(out / "summary.json"));
  expect_counted_cells(summary.at("cells"));
  for (const char* metric : {"clip_i", "clip_t", "dino", "dinov2"}) {
    const auto all = summary.at("likeness").at(metric).at("groups").at("all");
    EXPECT_LT(std::abs(all.at("value").get<double>()), 100) << metric;
  }
  const std::string page = read_text(out / "report.html");
  EXPECT_EQ(check_markup(page), "");
  for (const char* part : {"Likeness, without a judge", "Much the same animal or thing."}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }

  const ProgramResult again = mentor(words);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("270 of them were there before"),
                               HasSubstr("270 of them as measured before"),
                               HasSubstr("540 of them were there before")));
  EXPECT_EQ(server.count(), 540 + kTroubles);
}

}  // namespace
}  // namespace mentor
