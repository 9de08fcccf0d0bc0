#include "eval/judging_fixture.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace mentor {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST_F(Judging, RatesReplacedPicturesAgain) {
  const MockChatServer server(fair_reply);
  config_.judge.runs = 1;
  judge(server);
  const std::string id = dataset_.subjects[1].collection_id();
  put_file(dir_ / "samples" / "tgt_image" / id / "4_0.jpg", encode_jpeg(Image(8, 8)));
  const JudgingState state = judge(server);
  EXPECT_EQ(state.wanted - state.before, 2);
  EXPECT_EQ(state.count(RatingStatus::kOk), state.wanted);
  EXPECT_EQ(server.count(), 2 * kItems + 2);
  // The withdrawal stands in the file before the new rating: it never counts for the new picture.
  const std::vector<Attempt> all = attempts();
  EXPECT_EQ(all.at(2 * kItems).status, RatingStatus::kMissing);
  EXPECT_EQ(all.at(2 * kItems + 1).status, RatingStatus::kMissing);
}

TEST_F(Judging, PaysOnceForAPictureThatGoesAndComesBack) {
  const MockChatServer server(fair_reply);
  config_.judge.runs = 1;
  config_.allow_partial = true;
  const double cost = judge(server).cost;
  const Ratings first = last_attempts(attempts());
  const fs::path picture =
      dir_ / "samples" / "tgt_image" / dataset_.subjects[1].collection_id() / "4_0.jpg";
  const std::string bytes = read_text(picture);
  fs::remove(picture);
  EXPECT_EQ(judge(server).text(), "ok 70, missing 2");
  put_file(picture, bytes);
  EXPECT_EQ(estimate_cost(config_, read_input(config_).items).cp_questions, 0);
  JudgingState state = judge(server);
  EXPECT_EQ(state.text(), "ok 72");
  EXPECT_EQ(state.before, 2 * kItems);
  EXPECT_EQ(server.count(), 2 * kItems);

  put_file(picture, encode_jpeg(Image(8, 8)));
  judge(server);
  EXPECT_EQ(server.count(), 2 * kItems + 2);
  put_file(picture, bytes);
  state = judge(server);
  EXPECT_EQ(state.text(), "ok 72");
  EXPECT_EQ(server.count(), 2 * kItems + 2);
  EXPECT_NEAR(state.cost, cost + 0.00515 + 0.0075, 1e-9) << "of the other picture alone";
  for (const auto& [key, attempt] : last_attempts(attempts())) {
    EXPECT_EQ(attempt.generated_sha256, first.at(key).generated_sha256);
    EXPECT_EQ(attempt.score, first.at(key).score);
  }
}

TEST_F(Judging, EstimatesBeforeAndAfter) {
  CostEstimate estimate = estimate_cost(config_, read_input(config_).items);
  EXPECT_EQ(estimate.cp_questions, 2 * kItems);
  EXPECT_EQ(estimate.pf_questions, 2 * kItems);
  EXPECT_FALSE(estimate.measured);
  EXPECT_EQ(estimate.output_tokens, 2 * kItems * 206);
  const MockChatServer server(fair_reply);
  config_.judge.runs = 1;
  judge(server);
  config_.judge.runs = 3;
  estimate = estimate_cost(config_, read_input(config_).items);
  EXPECT_TRUE(estimate.measured);
  EXPECT_NEAR(estimate.cost, 2 * kItems * (0.00515 + 0.0075), 1e-9);
  EXPECT_NEAR(estimate.spent, kItems * (0.00515 + 0.0075), 1e-9);
}

TEST_F(Judging, ReadsStoredAnswersAgain) {
  const MockChatServer server([](const MockRequest& request, int64_t number) {
    return request.caption() == "A toy 00 in place 0" ? chat_reply("**Score**: 4")
                                                      : fair_reply(request, number);
  });
  config_.judge.runs = 1;
  config_.judge.new_seeds = 0;
  config_.judge.parser = "strict";
  EXPECT_EQ(judge(server).text(), "ok 70, parse_error 2");  // of object and style
  EXPECT_EQ(reparse_answers(config_), 0);
  config_.judge.parser = "lenient";
  const int64_t asked = server.count();
  EXPECT_EQ(reparse_answers(config_), 2);
  EXPECT_EQ(server.count(), asked);
  const JudgingState state = judge(server);
  EXPECT_EQ(state.text(), "ok 72");
  EXPECT_EQ(server.count(), asked);
  EXPECT_NEAR(state.cost, kItems * 0.00515 + 34 * 0.0075 + 2 * 0.00515, 1e-9);
}

TEST_F(Judging, ReadsAnAnswerAgainThoughTheNextQuestionGotNone) {
  std::map<std::string, int64_t> asked;
  const MockChatServer server([&](const MockRequest& request, int64_t number) -> MockReply {
    const std::string caption = request.caption();
    if (caption != "A toy 01 in place 0") return fair_reply(request, number);
    return asked[caption]++ == 0 ? chat_reply("**Score**: 4") : MockReply{.status = 429};
  });
  config_.judge.runs = 1;
  config_.judge.retries = 0;
  config_.judge.new_seeds = 1;
  config_.judge.parser = "strict";
  EXPECT_EQ(judge(server).text(), "ok 71, http_error 1");
  config_.judge.parser = "lenient";
  EXPECT_EQ(reparse_answers(config_), 1);
  EXPECT_EQ(attempts().back().score, 4);
  EXPECT_EQ(reparse_answers(config_), 0);
  const int64_t before = server.count();
  EXPECT_EQ(judge(server).text(), "ok 72");
  EXPECT_EQ(server.count(), before);
}

TEST_F(Judging, LeavesScoresWithoutAnAnswerAlone) {
  RatingStore(ratings_file(config_.out))
      .append({.status = RatingStatus::kOk, .score = 3, .judge = {.model = "gpt"}});
  EXPECT_EQ(reparse_answers(config_), 0);
}

TEST_F(Judging, ReplaysAnotherRun) {
  const MockChatServer server(fair_reply);
  judge(server);
  const int64_t asked = server.count();
  config_.judge.kind = "replay";
  config_.judge.replay = ratings_file(config_.out);
  config_.out = dir_ / "again";
  EXPECT_EQ(judge().text(), "ok 144");
  EXPECT_EQ(server.count(), asked);
  const Ratings first = last_attempts(read_attempts(config_.judge.replay));
  for (const auto& [key, attempt] : last_attempts(attempts())) {
    EXPECT_EQ(attempt.score, first.at(key).score);
    EXPECT_EQ(attempt.judge, first.at(key).judge);
    EXPECT_EQ(attempt.cost, 0);
  }
  EXPECT_EQ(estimate_cost(config_, read_input(config_).items).pf_questions, 0);
  config_.judge.replay = "";
  EXPECT_THAT([&] { judge(); }, ThrowsMessage<ConfigError>(HasSubstr("judge.replay: is not set")));
}

TEST_F(Judging, ReplaysNothingAboutOtherPictures) {
  const MockChatServer server(fair_reply);
  config_.judge.runs = 1;
  judge(server);
  const std::string id = dataset_.subjects[1].collection_id();
  put_file(dir_ / "samples/tgt_image" / id / "4_0.jpg", encode_jpeg(Image(8, 8)));
  put_file(dir_ / "samples/text" / id / "5_0.txt", "A toy 01 elsewhere");
  config_.judge.kind = "replay";
  config_.judge.replay = ratings_file(config_.out);
  config_.out = dir_ / "again";
  EXPECT_EQ(judge().text(), "ok 69, missing 3");
  std::multiset<std::string> errors;
  for (const Attempt& attempt : attempts()) {
    if (!attempt.score) errors.insert(attempt.error.substr(attempt.error.find(": ") + 2));
  }
  EXPECT_EQ(errors.count("the stored answer is about another picture"), 2U);
  EXPECT_EQ(errors.count("the stored answer is about another caption or by other settings"), 1U);
}

}  // namespace
}  // namespace mentor
