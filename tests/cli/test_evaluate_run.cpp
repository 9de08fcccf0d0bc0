#include "mentor/eval/store.h"
#include "support/clone.h"
#include "support/generate_samples.h"
#include "support/mentor_program.h"
#include "support/mock_chat_server.h"
#include "support/processes.h"
#include "support/troubled_server.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// 3 on CP; on PF the prompt's number, from 5 on less 5.
MockReply rate(const MockRequest& request) {
  const std::string caption = request.caption();
  return priced_reply(caption.empty() ? 3 : (caption.back() - '0') % 5);
}

class EvaluateRunTest : public GenerateSamples {
 protected:
  [[nodiscard]] std::vector<std::string> run_words(const MockChatServer& server,
                                                   std::vector<std::string> more = {},
                                                   int ranks = 0) const {
    std::vector<std::string> settings = {
        "evaluate.samples_per_prompt=1", "evaluate.judge.url=" + server.url(),
        "evaluate.judge.model=mock",     "evaluate.judge.key_variable=",
        "evaluate.judge.runs=2",         "evaluate.judge.in_flight=4",
        "evaluate.judge.image_size=32",  "evaluate.judge.backoff=0.01",
        "evaluate.judge.timeout=2",      "evaluate.report.draws=200"};
    settings.insert(settings.end(), kPrices.begin(), kPrices.end());
    settings.insert(settings.end(), more.begin(), more.end());
    return words("samples", settings, ranks, "run");
  }
  [[nodiscard]] fs::path out() const { return dir_ / "out"; }
  [[nodiscard]] nlohmann::json cells() const {
    return nlohmann::json::parse(read_text(out() / "summary.json")).at("cells");
  }
  [[nodiscard]] int64_t pictures() const {
    int64_t count = 0;
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / "samples/tgt_image", none)) {
      count += entry.path().extension() == ".jpg" ? 1 : 0;
    }
    return count;
  }
};

// 3 subjects x 9 prompts x 2 tasks x 2 runs.
constexpr int64_t kRatings = 108;

TEST_F(EvaluateRunTest, GoesFromPicturesToAReportThroughABadServer) {
  const MockChatServer server(
      [](const MockRequest& request, int64_t number) { return troubled(rate(request), number); });
  const ProgramResult result = run_program(run_words(server, {}, /*ranks=*/2));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("samples: 27 pictures, 0 of them were there before"),
                                HasSubstr("27 of 27 pictures with reference and text"),
                                HasSubstr("to ask: 54 questions on CP, 54 on PF, in 2 runs"),
                                HasSubstr("108 ratings: ok 108; 0 of them were there before"),
                                HasSubstr("report.html")));
  EXPECT_EQ(server.count(), kRatings + kTroubles);
  expect_troubled_attempts(read_attempts(ratings_file(out())), kRatings, result.out);
  expect_counted_cells(cells());

  const ProgramResult again = run_program(run_words(server));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("27 of them were there before"),
                               HasSubstr("to ask: 0 questions on CP, 0 on PF"),
                               HasSubstr("108 of them were there before")));
  EXPECT_EQ(server.count(), kRatings + kTroubles);
}

TEST_F(EvaluateRunTest, GoesOnAfterKillsWhileDrawingAndWhileJudging) {
  const MockChatServer server([](const MockRequest& request, int64_t) {
    MockReply reply = rate(request);
    reply.delay = 0.02;
    return reply;
  });
  const std::vector<std::string> command = run_words(server, {"generate.max_batch=1"});
  {
    StartedProgram program(command);
    ASSERT_TRUE(comes_true([&] { return pictures() >= 5; })) << program.err();
    kill_at_once(program);
  }
  EXPECT_LT(pictures(), 27);
  EXPECT_EQ(server.count(), 0);
  {
    StartedProgram program(command);
    ASSERT_TRUE(comes_true([&] { return read_attempts(ratings_file(out())).size() >= 20; }))
        << program.err();
    kill_at_once(program);
  }
  EXPECT_LT(static_cast<int64_t>(read_attempts(ratings_file(out())).size()), kRatings);
  const ProgramResult result = run_program(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("108 ratings: ok 108"));
  std::map<RatingKey, int64_t> answers;
  for (const Attempt& attempt : read_attempts(ratings_file(out()))) ++answers[attempt.key];
  EXPECT_EQ(static_cast<int64_t>(answers.size()), kRatings);
  for (const auto& [key, count] : answers) EXPECT_EQ(count, 1) << key.item.string();
  EXPECT_LE(server.count(), kRatings + 4);  // what was under way when it was killed
  EXPECT_NEAR(cells().at("cp_pf").at("value").get<double>(), .333, 1e-9);
}

TEST_F(EvaluateRunTest, TakesThePicturesOfAnotherMethodAsTheyAre) {
  std::vector<std::string> problems;
  draw_samples(dir_ / "samples",
               read_dataset(dir_ / "data", {kCategories.begin(), kCategories.end()}, problems));
  const MockChatServer server([](const MockRequest& request, int64_t) { return rate(request); });
  const ProgramResult result = run_program(run_words(server, {"weights.model=nowhere"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("samples: of another method: nothing is drawn"),
                                HasSubstr("108 ratings: ok 108")));
  EXPECT_FALSE(fs::exists(dir_ / "samples/manifest.json"));
}

TEST_F(EvaluateRunTest, ReportsWhatThereIsWhenThatIsAllowed) {
  const MockChatServer server([](const MockRequest& request, int64_t) {
    return request.caption() == "A toy 00 in place 4" ? chat_reply("Hm.") : rate(request);
  });
  const std::vector<std::string> settings = {"evaluate.judge.new_seeds=0", "evaluate.judge.runs=1"};
  const ProgramResult stopped = run_program(run_words(server, settings));
  EXPECT_EQ(stopped.exit_code, 2);
  EXPECT_THAT(stopped.err, HasSubstr("2 of 54 ratings have no score (ok 52, parse_error 2)"));
  EXPECT_FALSE(fs::exists(out() / "report.html"));
  std::vector<std::string> command = run_words(server, settings);
  command.emplace_back("--allow-partial");
  std::replace(command.begin(), command.end(), std::string("error"), std::string("warn"));
  const ProgramResult partial = run_program(command);
  EXPECT_EQ(partial.exit_code, 0) << partial.err;
  EXPECT_THAT(partial.err, HasSubstr("warning: "));
  EXPECT_THAT(partial.err, HasSubstr("2 of 54 ratings have no score"));
  EXPECT_THAT(partial.out, HasSubstr("not all is rated: 96.2 % (52 of 54)"));
}

TEST_F(EvaluateRunTest, StopsWhereTheMoneyEndsAndGoesOnWithMore) {
  const MockChatServer server([](const MockRequest& request, int64_t) { return rate(request); });
  const ProgramResult stopped = run_program(run_words(server, {"evaluate.judge.max_cost=0.1"}));
  EXPECT_EQ(stopped.exit_code, 2);
  EXPECT_THAT(stopped.err, HasSubstr("evaluate.judge.max_cost: "));
  const auto answered = static_cast<int64_t>(read_attempts(ratings_file(out())).size());
  EXPECT_GT(answered, 0);
  EXPECT_LE(static_cast<double>(answered) * kAnswerCost, 0.1);
  std::vector<std::string> with_more = run_words(server, {});
  with_more.insert(with_more.end(), {"--max-cost", "1"});
  const ProgramResult rest = run_program(with_more);
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(server.count(), kRatings);
}

// As the file's own comment says it, with fewer subjects.
TEST_F(EvaluateRunTest, RunsTheToyWorld) {
  const fs::path clone = dir_ / "clone";
  const fs::path toy = in_clone(clone, "toy");
  const ProgramResult made =
      mentor({"toy", "make", "--held-out", "--dreambench", "--count", "3", "--seed", "1", "--out",
              (clone / "runs/toy/dreambench").string(), (toy / "large/world.yaml").string()});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string config = (toy / "evaluate.yaml").string();
  const ProgramResult drawn = mentor({"evaluate", "generate", config});
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_THAT(drawn.out, HasSubstr("27 pictures"));
  const ProgramResult judged = mentor({"evaluate", "judge", config});
  ASSERT_EQ(judged.exit_code, 0) << judged.err;
  EXPECT_THAT(judged.out, HasSubstr("54 ratings: ok 54"));
  const ProgramResult report = mentor({"evaluate", "report", config});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  const auto summary = nlohmann::json::parse(read_text(clone / "runs/toy/evaluation/summary.json"));
  // Perfect pictures of other cases reach .008.
  EXPECT_GT(summary.at("cells").at("cp_pf").at("value").get<double>(), 0.1);
}

}  // namespace
}  // namespace mentor
