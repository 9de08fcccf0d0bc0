#pragma once

#include "mentor/core/format.h"
#include "mentor/eval/store.h"
#include "support/mock_chat_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace mentor {

// What each answer costs: 1000 tokens at 5, 100 at 15, per million.
inline constexpr double kAnswerCost = 0.0065;
inline const std::vector<std::string> kPrices = {"evaluate.judge.price_input=5",
                                                 "evaluate.judge.price_output=15"};

inline MockReply priced_reply(int64_t score, const std::string& words = "") {
  return chat_reply(words + "Score: " + std::to_string(score), 1000, 100);
}

// How many of the first requests have to be asked again.
inline constexpr int64_t kTroubles = 7;

/// `reply` from a server at which everything goes wrong once; wants judge.timeout < 3.
inline MockReply troubled(MockReply reply, int64_t number) {
  switch (number) {
    case 3:
      return {.status = 429, .body = "{}", .headers = "Retry-After: 0\r\n"};
    case 7:
      return {.status = 500, .body = "oops"};
    case 11:
      return {.hang_up = true};
    case 15:
      return {.body = "<html>not JSON</html>"};
    case 19:
      return {.body = R"({"choices": [{"message": {"content": null, "refusal": "No."}}],
                          "usage": {"prompt_tokens": 1000, "completion_tokens": 100}})"};
    case 23:
      return chat_reply("A fine picture.", 1000, 100);
    case 27:
      reply.delay = 3;
      return reply;
    case 31:
      reply.delay = 0.5;  // slow, but an answer
      return reply;
    default:
      return reply;
  }
}

/// `said`: what the program printed.
inline void expect_troubled_attempts(const std::vector<Attempt>& attempts, int64_t ratings,
                                     const std::string& said) {
  double cost = 0, guessed = 0;  // of the answer that is no JSON
  std::map<RatingStatus, int64_t> statuses;
  for (const Attempt& attempt : attempts) {
    (attempt.status == RatingStatus::kHttpError ? guessed : cost) += attempt.cost;
    ++statuses[attempt.status];
  }
  EXPECT_GT(guessed, 0);
  EXPECT_EQ(statuses[RatingStatus::kOk], ratings);
  // What is lost on a connection that has worked before, libcurl asks again by itself.
  EXPECT_THAT(statuses[RatingStatus::kHttpError], testing::AnyOf(4, 5));
  EXPECT_EQ(statuses[RatingStatus::kRefused], 1);
  EXPECT_EQ(statuses[RatingStatus::kParseError], 1);
  EXPECT_NEAR(cost, static_cast<double>(ratings + 2) * kAnswerCost, 1e-9);
  EXPECT_THAT(said, testing::HasSubstr(format("cost of all attempts: {:.4f}", cost + guessed)));
}

/// The cells by hand, where CP is 3 and PF by prompt 0 1 2 3, 4 0 1, 2 3.
inline void expect_counted_cells(const nlohmann::json& cells) {
  const std::map<std::string, double> expected = {
      {"animal", .75},        {"object", .75},       {"cp", .75},  {"photorealistic", .375},
      {"prompt_style", .417}, {"imaginative", .625}, {"pf", .444}, {"cp_pf", .333}};
  for (const auto& [cell, value] : expected) {
    EXPECT_NEAR(cells.at(cell).at("value").get<double>(), value, 1e-9) << cell;
  }
  EXPECT_TRUE(cells.at("human").at("value").is_null());  // none in the data
}

}  // namespace mentor
