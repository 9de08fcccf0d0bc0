#include "eval/judging_fixture.h"
#include "mentor/eval/scores.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TEST_F(Judging, RatesEveryItemOnceInEachRun) {
  const MockChatServer server(fair_reply);
  const JudgingState state = judge(server);
  EXPECT_EQ(state.wanted, 2 * 2 * kItems);
  EXPECT_EQ(state.count(RatingStatus::kOk), state.wanted);
  EXPECT_EQ(server.count(), state.wanted);
  // Each CP answer 1000 in, 10 out; each PF answer 900 in, 200 out; prices 5 and 15 per million.
  EXPECT_NEAR(state.cost, 2 * kItems * (0.00515 + 0.0075), 1e-9);
  const Ratings ratings = last_attempts(attempts());
  ASSERT_THAT(ratings, SizeIs(state.wanted));
  std::set<int64_t> seeds;
  for (const auto& [key, attempt] : ratings) {
    const int64_t number = key.item.subject.index + key.item.prompt;
    EXPECT_EQ(attempt.score, key.task == RatingTask::kCp ? 3 : number % 5) << key.item.string();
    EXPECT_EQ(attempt.judge.host, "127.0.0.1");
    EXPECT_EQ(attempt.judge.rubric, "own rubric: not comparable");
    EXPECT_EQ(attempt.response_id, "chatcmpl-1");
    EXPECT_THAT(attempt.generated_sha256, SizeIs(64));
    seeds.insert(attempt.seed);
  }
  EXPECT_EQ(static_cast<int64_t>(seeds.size()), state.wanted);
}

TEST_F(Judging, GivesTheCellsComputedByHand) {
  const MockChatServer server(fair_reply);
  judge(server);
  std::vector<ItemScore> scores;
  for (const auto& [key, attempt] : last_attempts(attempts())) {
    scores.push_back({.key = key, .score = attempt.score});
  }
  const ScoreTable table = aggregate(scores);
  // Subjects 0, 1, 2 and style 0 with (index + prompt) % 5: sums of 31, 19 and 21 of 16, 12 and 8
  // items, each of 4 at most.
  const std::map<Cell, double> expected = {
      {Cell::kObject, 0.75},       {Cell::kStyle, 0.75},
      {Cell::kCp, 0.75},           {Cell::kPhotorealistic, 0.484},
      {Cell::kPromptStyle, 0.396}, {Cell::kImaginative, 0.656},
      {Cell::kPf, 0.493}};
  for (const auto& [cell, value] : expected) EXPECT_EQ(table[cell].value, value) << name_of(cell);
  EXPECT_NEAR(table[Cell::kProduct].value.value(), 0.75 * 0.493, 5e-4);
  EXPECT_FALSE(table[Cell::kHuman].value);
  EXPECT_EQ(table.coverage(), 1);
}

TEST_F(Judging, GoesOnWhereItStopped) {
  const MockChatServer server(fair_reply);
  config_.judge.runs = 1;
  judge(server);
  config_.judge.runs = 2;
  const JudgingState state = judge(server);
  EXPECT_EQ(state.before, 2 * kItems);
  EXPECT_EQ(server.count(), 4 * kItems);
  EXPECT_EQ(judge(server).before, 4 * kItems);
  EXPECT_EQ(server.count(), 4 * kItems);
}

TEST_F(Judging, AsksOnceForWhatAListNamesTwice) {
  const MockChatServer server(fair_reply);
  config_.judge.runs = 1;
  config_.tasks = {"cp", "cp"};
  config_.categories = {"style", "style"};
  EXPECT_EQ(judge(server).text(), "ok 9");
  EXPECT_EQ(server.count(), 9);
}

TEST_F(Judging, RepeatsWhatFailedByItsKind) {
  std::map<std::string, int64_t> asked;
  const MockChatServer server([&](const MockRequest& request, int64_t number) -> MockReply {
    const std::string caption = request.caption();
    if (caption.empty() || caption.substr(6, 2) != "01") return fair_reply(request, number);
    const int64_t before = asked[caption]++;
    switch (caption.back()) {
      case '0':
        if (before < 2) return {.status = 500, .body = "{\"error\": {\"message\": \"oops\"}}"};
        break;
      case '1':
        if (before < 1) return {.status = 429, .headers = "Retry-After: 1\r\n"};
        break;
      case '2':
        if (before < 1) return {.body = fair_reply(request, number).body, .delay = 2};
        break;
      case '3':
        if (before < 2) return chat_reply("I like it", 900, 100);
        break;
      case '4':
        if (before < 1) {
          return {.body = R"({"choices": [{"message": {"content": null, "refusal": "No."}}],
                              "usage": {"prompt_tokens": 900, "completion_tokens": 0}})"};
        }
        break;
      case '5':
        if (before < 1) return {.status = 502, .body = "<html>"};
        break;
      case '6':
        if (before < 1) return {.hang_up = true};
        break;
      default:
        break;
    }
    return fair_reply(request, number);
  });
  config_.judge.runs = 1;
  config_.judge.timeout = 1;
  const JudgingState state = judge(server);
  EXPECT_EQ(state.count(RatingStatus::kOk), state.wanted);
  EXPECT_EQ(server.count(), 2 * kItems + 9);
  std::map<RatingStatus, int64_t> counts;
  std::set<int64_t> seeds_of_3;
  double guessed = 0;  // of questions that got no answer
  for (const Attempt& attempt : attempts()) {
    ++counts[attempt.status];
    if (attempt.status == RatingStatus::kHttpError) guessed += attempt.cost;
    if (attempt.key == RatingKey{RatingTask::kPf, 0, {{Category::kObject, 1}, 3, 0}}) {
      seeds_of_3.insert(attempt.seed);
    }
  }
  // curl itself repeats what was sent on a used connection that turns out to be closed.
  EXPECT_THAT(counts[RatingStatus::kHttpError], testing::AnyOf(2 + 1 + 1 + 1, 2 + 1 + 1 + 1 + 1));
  EXPECT_EQ(counts[RatingStatus::kParseError], 2);
  EXPECT_EQ(counts[RatingStatus::kRefused], 1);
  EXPECT_THAT(seeds_of_3, SizeIs(3));
  // Answers without a score are paid for, too: 900 in, 100 out, twice, and 900 in.
  EXPECT_NEAR(state.cost - guessed, kItems * (0.00515 + 0.0075) + 2 * 0.006 + 0.0045, 1e-9);
}

TEST_F(Judging, KeepsAPageThatIsNoAnswerAndCountsWhatItMayHaveCost) {
  ::setenv("MENTOR_MOCK_KEY", "sk-mock-key", 1);
  config_.judge.key_variable = "MENTOR_MOCK_KEY";
  const MockChatServer server([](const MockRequest& request, int64_t number) -> MockReply {
    return number == 0 ? MockReply{.body = "<html>sk-mock-key"} : fair_reply(request, number);
  });
  config_.judge.runs = 1;
  const JudgingState state = judge(server);
  EXPECT_EQ(state.text(), "ok 72");
  const std::vector<Attempt> all = attempts();
  const auto page = std::ranges::find(all, RatingStatus::kHttpError, &Attempt::status);
  ASSERT_NE(page, all.end());
  EXPECT_EQ(page->answer, "<html>***");
  EXPECT_NEAR(page->cost, 0.01, 0.005);  // some 1,000 to 2,000 tokens, and 6 or 200 answered
  EXPECT_NEAR(state.cost, kItems * (0.00515 + 0.0075) + page->cost, 1e-9);
  ::unsetenv("MENTOR_MOCK_KEY");
}

TEST_F(Judging, CountsWhatAnAnswerMayHaveCostThatDidNotCome) {
  const MockChatServer server([](const MockRequest& request, int64_t number) -> MockReply {
    if (number == 0) return {.hang_up = true};
    return number == 1 ? MockReply{.status = 500} : fair_reply(request, number);
  });
  config_.judge.runs = 1;
  config_.judge.in_flight = 1;
  config_.judge.max_cost = 10;
  const JudgingState state = judge(server);
  const std::vector<Attempt> all = attempts();
  EXPECT_EQ(all.at(0).status, RatingStatus::kHttpError);
  EXPECT_NEAR(all.at(0).cost, 0.01, 0.005);  // some 1,000 to 2,000 tokens, and 6 or 200 answered
  EXPECT_EQ(all.at(1).status, RatingStatus::kHttpError);
  EXPECT_EQ(all.at(1).cost, 0) << "the server says that it did not work";
  EXPECT_NEAR(state.cost, kItems * (0.00515 + 0.0075) + all.at(0).cost, 1e-9);
}

TEST_F(Judging, TakesAnAnswerWhoseTokensAreNotCounted) {
  const MockChatServer server([](const MockRequest&, int64_t) {
    return MockReply{.body = R"({"choices": [{"message": {"content": "Score: 2"}}],
                                 "usage": {"prompt_tokens": null, "completion_tokens": null}})"};
  });
  config_.judge.runs = 1;
  const JudgingState state = judge(server);
  EXPECT_EQ(state.text(), "ok 72");
  EXPECT_EQ(server.count(), 2 * kItems) << "nothing is asked twice";
  EXPECT_GT(state.cost, 0) << "a guess";
}

TEST_F(Judging, LeavesWhatHasNoScoreAndAsksForItNextTime) {
  bool works = false;
  const MockChatServer server([&](const MockRequest& request, int64_t number) {
    const bool spoilt = !works && request.caption() == "A toy 02 in place 8";
    return spoilt ? chat_reply("Hm.") : fair_reply(request, number);
  });
  config_.judge.runs = 1;
  config_.judge.new_seeds = 2;
  JudgingState state = judge(server);
  EXPECT_EQ(state.text(), "ok 71, parse_error 1");
  EXPECT_EQ(server.count(), 2 * kItems + 2);
  works = true;
  state = judge(server);
  EXPECT_EQ(state.text(), "ok 72");
  EXPECT_EQ(server.count(), 2 * kItems + 3);
  std::set<int64_t> seeds;
  for (const Attempt& attempt : attempts()) seeds.insert(attempt.seed);
  EXPECT_THAT(seeds, SizeIs(2 * kItems + 3)) << "each time another one";
}

TEST_F(Judging, StopsAtOnceWhenGoingOnMakesNoSense) {
  struct Case {
    MockReply reply;
    const char* message;
  };
  const Case cases[] = {
      {{.status = 401, .body = R"({"error": {"message": "bad key sk-mock-key"}})"},
       "401: bad key ***: check the key in the environment variable MENTOR_MOCK_KEY"},
      {{.status = 404, .body = R"({"error": {"message": "no such model"}})"},
       "404: no such model: check evaluate.judge.url and evaluate.judge.model"},
      {{.status = 400, .body = R"({"message": "seed"})"},
       "400: seed: the server cannot take such questions: see evaluate.judge.send_seed"},
      {{.status = 429, .body = R"({"error": {"message": "x", "code": "insufficient_quota"}})"},
       "the account has no credit left"},
      {{.status = 308, .headers = "Location: http://elsewhere/v1\r\n"},
       "308: no reason given: the server sends its clients to another address"}};
  ::setenv("MENTOR_MOCK_KEY", "sk-mock-key", 1);
  config_.judge.key_variable = "MENTOR_MOCK_KEY";
  config_.judge.in_flight = 4;
  for (const Case& c : cases) {
    const MockChatServer server([&](const MockRequest&, int64_t) { return c.reply; });
    const size_t before = attempts().size();
    EXPECT_THAT(error(server), AllOf(HasSubstr(c.message), HasSubstr(" of object_00-")));
    EXPECT_LE(server.count(), 4);
    EXPECT_EQ(static_cast<int64_t>(attempts().size() - before), server.count());
    EXPECT_EQ(attempts().back().status, RatingStatus::kHttpError);
    EXPECT_THAT(attempts().back().error, Not(testing::IsEmpty()));
    EXPECT_THAT(server.requests().front().head, HasSubstr("Authorization: Bearer sk-mock-key"));
  }
  EXPECT_THAT(read_text(ratings_file(config_.out)), Not(HasSubstr("sk-mock-key")));
  ::unsetenv("MENTOR_MOCK_KEY");
}

TEST_F(Judging, GivesUpOnADeadServer) {
  const MockChatServer server([](const MockRequest& request, int64_t number) -> MockReply {
    return number < 5 ? fair_reply(request, number) : MockReply{.status = 503};
  });
  config_.judge.retries = 1;
  EXPECT_THAT(error(server),
              HasSubstr("10 questions in a row got no answer (503: no reason given)"));
  EXPECT_LT(server.count(), 5 + 4 * 16);
}

TEST_F(Judging, SpendsNoMoreThanAllowed) {
  const MockChatServer server(fair_reply);
  config_.judge.max_cost = 0.2;
  config_.judge.in_flight = 3;
  EXPECT_THAT(error(server),
              AllOf(HasSubstr("evaluate.judge.max_cost: 0."), HasSubstr("of 0.2 are spent")));
  double cost = 0;
  for (const Attempt& attempt : attempts()) cost += attempt.cost;
  EXPECT_LE(cost, 0.2);
  EXPECT_GT(cost, 0.15);
  const int64_t asked = server.count();
  EXPECT_THAT(error(server), HasSubstr("max_cost"));  // what was spent before counts
  EXPECT_LE(server.count(), asked + 1);
}

TEST_F(Judging, KeepsToTheRateOfRequests) {
  const MockChatServer server(fair_reply);
  config_.judge.runs = 1;
  config_.categories = {"style"};
  config_.judge.requests_per_minute = 600;
  const auto begin = std::chrono::steady_clock::now();
  judge(server);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(server.count(), 18);
  EXPECT_GT(taken.count(), 0.75);  // ten at once, eight at ten a second
}

TEST_F(Judging, KeepsAnswersWhileMoreQuestionsAreMade) {
  constexpr int64_t kLate = 12;
  size_t kept = 0;
  const MockChatServer server([&](const MockRequest& request, int64_t number) {
    if (number == kLate) kept = attempts().size();
    return fair_reply(request, number);
  });
  config_.judge.runs = 1;
  config_.judge.in_flight = 64;
  config_.judge.image_size = 512;  // some milliseconds each
  judge(server);
  EXPECT_GT(kept, 0U) << "a kill at that moment would have lost them all";
}

TEST_F(Judging, TakesInWhatIsUnderWayWhenAPictureIsGone) {
  const std::string id = dataset_.subjects[1].collection_id();
  const fs::path picture = dir_ / "samples/tgt_image" / id / "4_0.jpg";
  const MockChatServer server([&](const MockRequest& request, int64_t number) {
    if (number == 0) fs::remove(picture);
    MockReply reply = fair_reply(request, number);
    reply.delay = 0.05;
    return reply;
  });
  config_.judge.runs = 1;
  config_.judge.in_flight = 8;
  EXPECT_THAT(error(server), HasSubstr("4_0.jpg"));
  EXPECT_GE(server.count(), 2 * 9);
  EXPECT_EQ(static_cast<int64_t>(attempts().size()), server.count()) << "all that was paid for";
}

TEST_F(Judging, HoldsOneJudgeInOneFile) {
  const MockChatServer server(fair_reply);
  judge(server);
  config_.judge.model = "other";
  EXPECT_THAT(error(server), HasSubstr("holds ratings of another judge (model mock, now other)"));
  config_.judge.model = "mock";
  config_.judge.image_size = 64;
  EXPECT_THAT(error(server), HasSubstr("holds ratings of another judge (settings"));
}

TEST_F(Judging, HoldsOneRubricInOneFile) {
  for (const char* part : {"subject", "style", "text"}) {
    for (const char* turn : {"user", "gpt"}) {
      put_file(dir_ / format("prompts/{}_prompt_{}_full.txt", turn, part), part);
    }
  }
  config_.judge.prompts = dir_ / "prompts";
  const MockChatServer server(fair_reply);
  judge(server);
  const int64_t asked = server.count();
  put_file(dir_ / "prompts/gpt_prompt_style_full.txt", "other rules");
  config_.judge.runs = 1;  // the other run would keep the old rules
  EXPECT_THAT(error(server),
              AllOf(HasSubstr("ratings.jsonl: holds ratings by another rubric "
                              "(user_prompt_style_full.txt or gpt_prompt_style_full.txt of "),
                    HasSubstr("prompts changed since): set another evaluate.out")));
  EXPECT_EQ(server.count(), asked);
}

TEST_F(Judging, ATryWithoutAnswersBindsNobody) {
  fs::remove(dir_ / "samples/tgt_image" / dataset_.subjects[0].collection_id() / "3_0.jpg");
  config_.allow_partial = true;
  config_.judge.runs = 1;
  config_.judge.model = "misspelt";
  const MockChatServer closed([](const MockRequest&, int64_t) { return MockReply{.status = 404}; });
  EXPECT_THAT(error(closed), HasSubstr("404"));
  EXPECT_EQ(attempts().front().status, RatingStatus::kMissing);
  EXPECT_EQ(attempts().back().status, RatingStatus::kHttpError);
  config_.judge.model = "mock";
  config_.judge.image_size = 64;
  const MockChatServer server(fair_reply);
  EXPECT_EQ(judge(server).text(), "ok 70, missing 2");
}

TEST_F(Judging, RatesWhatThereIs) {
  const MockChatServer server(fair_reply);
  const std::string id = dataset_.subjects[0].collection_id();
  fs::remove(dir_ / "samples" / "tgt_image" / id / "3_0.jpg");
  config_.allow_partial = true;
  config_.judge.runs = 1;
  EXPECT_EQ(judge(server).text(), "ok 70, missing 2");
  EXPECT_EQ(judge(server).text(), "ok 70, missing 2");
  EXPECT_THAT(attempts(), SizeIs(72));
}

}  // namespace
}  // namespace mentor
