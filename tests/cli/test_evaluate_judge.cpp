#include "mentor/eval/store.h"
#include "support/evaluate_run.h"
#include "support/mock_chat_server.h"
#include "support/standin.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kItems = 3 * 9;

MockReply three(const MockRequest&, int64_t) { return chat_reply("Score: 3", 1000, 10); }

class EvaluateJudge : public EvaluateRun {
 protected:
  /// Settings that ask the mock server, quickly.
  static std::vector<std::string> asking(const std::string& url,
                                         const std::vector<std::string>& more = {}) {
    std::vector<std::string> settings = {"judge.url=" + url,    "judge.model=mock",
                                         "judge.key_variable=", "judge.runs=1",
                                         "judge.image_size=32", "judge.backoff=0.001"};
    settings.insert(settings.end(), more.begin(), more.end());
    return settings;
  }
  [[nodiscard]] std::vector<Attempt> attempts() const {
    return read_attempts(ratings_file(dir_ / "out"));
  }
  /// Waits until the program's file holds so many attempts.
  void wait_for(size_t count) const {
    while (attempts().size() < count) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
};

TEST_F(EvaluateJudge, EstimatesJudgesAndReparses) {
  const MockChatServer server(three);
  const auto settings =
      asking(server.url(), {"judge.price_input=2.5", "judge.price_output=10", "judge.seed=4"});
  const ProgramResult estimate = run("estimate", settings);
  EXPECT_EQ(estimate.exit_code, 0) << estimate.err;
  EXPECT_THAT(estimate.out, AllOf(HasSubstr("to ask: 27 questions on CP, 27 on PF, in 1 run\n"),
                                  HasSubstr("cost: about 0.")));
  EXPECT_EQ(server.count(), 0);
  const ProgramResult judged = run("judge", settings);
  EXPECT_EQ(judged.exit_code, 0) << judged.err;
  // 54 answers of 1000 tokens at 2.5 and 10 tokens at 10 per million.
  EXPECT_THAT(judged.out, AllOf(HasSubstr("54 ratings: ok 54; 0 of them were there before"),
                                HasSubstr("cost of all attempts: 0.1404")));
  EXPECT_THAT(read_text(dir_ / "out/config_judge.yaml"), HasSubstr("model: mock"));
  EXPECT_THAT(run("judge", settings).out, HasSubstr("54 of them were there before"));
  EXPECT_THAT(run("estimate", settings).out, HasSubstr("to ask: 0 questions on CP, 0 on PF"));
  EXPECT_THAT(run("reparse", settings).out, HasSubstr("ratings.jsonl: 0 ratings changed"));
  EXPECT_EQ(server.count(), 2 * kItems);
}

// A crash may lose what was under way, and nothing that was answered and written.
TEST_F(EvaluateJudge, AsksNothingTwiceAfterKills) {
  constexpr int kKills = 3;
  const MockChatServer server([](const MockRequest& request, int64_t number) {
    MockReply reply = three(request, number);
    reply.delay = 0.01;
    return reply;
  });
  const auto settings = asking(server.url(), {"tasks=[pf]", "judge.runs=3", "judge.in_flight=4"});
  std::vector<Attempt> before;
  for (int kill = 1; kill <= kKills; ++kill) {
    StartedProgram program(words("judge", settings));
    wait_for(static_cast<size_t>(15 * kill));
    ::kill(program.pid(), SIGKILL);
    EXPECT_EQ(program.wait().exit_code, 128 + SIGKILL);
    const std::vector<Attempt> now = attempts();
    ASSERT_GE(now.size(), before.size());
    for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(now[i].key, before[i].key);
    before = now;
  }
  const ProgramResult result = run("judge", settings);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::map<RatingKey, int64_t> answers;
  for (const Attempt& attempt : attempts()) ++answers[attempt.key];
  EXPECT_EQ(answers.size(), 3U * kItems);
  for (const auto& [key, count] : answers) EXPECT_EQ(count, 1) << key.item.string();
  EXPECT_LE(server.count(), 3 * kItems + kKills * 4);
}

TEST_F(EvaluateJudge, TakesInWhatIsUnderWayWhenInterrupted) {
  const MockChatServer server([](const MockRequest& request, int64_t number) {
    MockReply reply = three(request, number);
    reply.delay = 0.1;
    return reply;
  });
  StartedProgram program(words("judge", asking(server.url(), {"judge.in_flight=4"})));
  wait_for(4);
  ::kill(program.pid(), SIGINT);
  EXPECT_EQ(program.wait().exit_code, 130);
  EXPECT_LT(server.count(), 2 * kItems);
  EXPECT_EQ(static_cast<int64_t>(attempts().size()), server.count());
}

TEST_F(EvaluateJudge, NeitherLogsNorStoresTheKey) {
  const MockChatServer server([](const MockRequest&, int64_t) {
    return MockReply{.status = 401, .body = R"({"error": {"message": "wrong key: sk-secret"}})"};
  });
  std::vector<std::string> settings = asking(server.url());
  settings.push_back("judge.key_variable=MENTOR_TEST_KEY");
  StartedProgram program(words("judge", settings), {.environment = {"MENTOR_TEST_KEY=sk-secret"}});
  const ProgramResult result = program.wait();
  expect_one_message(result,
                     "401: wrong key: ***: check the key in the environment variable "
                     "MENTOR_TEST_KEY");
  EXPECT_THAT(server.requests().front().head, HasSubstr("Bearer sk-secret"));
  for (const std::string& text : {result.out, result.err, read_text(ratings_file(dir_ / "out"))}) {
    EXPECT_THAT(text, Not(HasSubstr("sk-secret")));
  }
}

TEST_F(EvaluateJudge, LooksAtTheModelsOfTheServerBeforeItAsks) {
  MockChatServer server(three);
  server.set_models({.body = R"({"data": [{"id": "mock", "shutdown_date": "2027-01-14"}]})"});
  const ProgramResult warned = run("judge", asking(server.url()));
  EXPECT_EQ(warned.exit_code, 0) << warned.err;
  EXPECT_THAT(warned.err, HasSubstr("mock will be shut down (2027-01-14)"));
  EXPECT_EQ(server.count(), 2 * kItems);
  fs::remove_all(dir_ / "out");
  server.set_models({.status = 401, .body = R"({"error": {"message": "wrong key"}})"});
  expect_one_message(run("judge", asking(server.url())), "401: wrong key: name the environment");
  EXPECT_EQ(server.count(), 2 * kItems);
  server.set_models({.status = 500, .body = "oops"});
  EXPECT_EQ(run("judge", asking(server.url())).exit_code, 0);
}

TEST_F(EvaluateJudge, RatesAnotherMethodsFolderAndComparesBoth) {
  std::vector<std::string> problems;
  const Dataset dataset =
      read_dataset(dir_ / "data", {kCategories.begin(), kCategories.end()}, problems);
  draw_samples(dir_ / "theirs", dataset, 1, 24);
  bool theirs = false;
  const MockChatServer server([&](const MockRequest& request, int64_t) {
    return chat_reply(theirs && !request.caption().empty() ? "Score: 3" : "Score: 2");
  });
  EXPECT_EQ(run("judge", asking(server.url())).exit_code, 0);
  theirs = true;
  const std::string other = (dir_ / "other").string();
  const ProgramResult judged =
      run("judge", asking(server.url(), {"samples=" + (dir_ / "theirs").string(), "out=" + other}));
  ASSERT_EQ(judged.exit_code, 0) << judged.err;
  EXPECT_EQ(server.count(), 4 * kItems);
  const ProgramResult compared =
      run_program({MENTOR_BINARY, "evaluate", "compare", (dir_ / "out").string(), other});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(
      compared.out,
      AllOf(HasSubstr("CP               0.500   0.500      +0.000  +0.000 to +0.000  open"),
            HasSubstr("PF               0.500   0.750      +0.250  +0.250 to +0.250  second")));
}

TEST_F(EvaluateJudge, SaysOnceWhatIsWrong) {
  const MockChatServer good(three);
  const MockChatServer mute([](const MockRequest&, int64_t) { return chat_reply("Nice."); });
  const std::string taken = (dir_ / "taken").string();
  put_file(taken, "");
  struct Case {
    std::string url;
    std::vector<std::string> settings;
    const char* message;
  };
  const Case cases[] = {
      {"http://127.0.0.1:1/v1", {}, "http://127.0.0.1:1/v1: Failed to connect to 127.0.0.1 port 1"},
      {"http://no.such.host.invalid/v1", {}, "no.such.host.invalid"},
      {good.url("https"), {"judge.in_flight=1"}, "for https:// the server's certificate"},
      {"ftp://127.0.0.1/v1", {}, "check evaluate.judge.url"},
      {"", {}, "evaluate.judge.url: '' is no address"},
      {"http://me:secret@127.0.0.1/v1", {}, "evaluate.judge.url: holds a name or password"},
      {mute.url(), {"judge.new_seeds=1"}, "54 of 54 ratings have no score (parse_error 54)"},
      {good.url(), {"judge.price_input=5", "judge.max_cost=0.02"}, "evaluate.judge.max_cost: 0.0"},
      {good.url(), {"judge.max_cost=1"}, "judge.max_cost: needs price_input and price_output"},
      {good.url(),
       {"judge.key_variable=MENTOR_NO_KEY"},
       "the environment variable MENTOR_NO_KEY is not set"},
      {good.url(), {"judge.model="}, "evaluate.judge.model: is not set"},
      {good.url(), {"out=" + taken + "/out"}, "taken"},
      {good.url(), {"out="}, "evaluate.out: is not set"},
      {good.url(), {"tasks=[cpp]"}, "evaluate.tasks[0]: must be cp | pf, not 'cpp'"},
      {good.url(), {"judge.extra_body=top_k"}, "evaluate.judge.extra_body: 'top_k' is no JSON"},
      {good.url(), {"judge.prompts=" + taken}, "user_prompt_subject_full.txt: missing"},
      {good.url(), {"judge.kind=replay"}, "evaluate.judge.replay: is not set"},
      {good.url(), {"judge.kind=sage"}, "evaluate.judge.kind"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.message);
    fs::remove_all(dir_ / "out");
    expect_one_message(run("judge", asking(c.url, c.settings)), c.message);
  }
  expect_one_message(run("reparse"), "ratings.jsonl: holds no ratings: run mentor evaluate judge");
}

TEST_F(EvaluateJudge, JudgesTheStandIn) {
  const fs::path data = standin_dataset();
  if (data.empty()) GTEST_SKIP() << kNoPhotos;
  std::vector<std::string> problems;
  const Dataset dataset = read_dataset(data, {kCategories.begin(), kCategories.end()}, problems);
  ASSERT_TRUE(problems.empty()) << problems.front();
  draw_samples(dir_ / "standin", dataset);
  const std::vector<std::string> input = {"dataset=" + data.string(),
                                          "samples=" + (dir_ / "standin").string()};
  const ProgramResult validated = run("validate", input);
  EXPECT_THAT(validated.out, HasSubstr("30 subjects, 270 prompts; not DreamBench++"));
  const MockChatServer server(three);
  const ProgramResult judged = run("judge", asking(server.url(), input));
  EXPECT_EQ(judged.exit_code, 0) << judged.err;
  EXPECT_THAT(judged.out, HasSubstr("540 ratings: ok 540"));
}

}  // namespace
}  // namespace mentor
