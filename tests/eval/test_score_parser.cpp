#include "mentor/eval/score_parser.h"

#include <gtest/gtest.h>

namespace mentor {
namespace {

constexpr int64_t kNone = -1;

struct Vector {
  const char* answer;
  int64_t strict, lenient;
};

// What the published code makes of an answer, but for numbers above 4; and what ours makes of it.
const Vector kVectors[] = {
    {"Score: 3", 3, 3},
    {"score: 3", 3, 3},
    {"Final Score: 2", 2, 2},
    {"Score:\n\n3", 3, 3},
    {"Score: Good 3", 3, 3},
    {"Score: 3/4", 3, 3},
    {"Score: 3 out of 4", 3, 3},
    {"Score: 0", 0, 0},
    {"Score: 4.", 4, 4},
    {"Score: 3.5", 3, kNone},
    {"Score: 10", kNone, kNone},
    {"Score: 5", kNone, kNone},
    {"SCORE: 3", kNone, 3},
    {"**Score**: 3", kNone, 3},
    {"**Score:** 3", kNone, 3},
    {"Score: [3]", kNone, 3},
    {"Score: Good (3)", kNone, 3},
    {"Score: Very Poor 0", kNone, 0},
    {"Scores: 3", kNone, 3},
    {"Score – 3", kNone, 3},
    {"3", kNone, kNone},
    {"Score: three", kNone, kNone},
    {"Score: -1", kNone, kNone},
    {"Score: 1\nScore: 2", kNone, 2},
    {"Score: 1\nOn second thoughts, Score: 3.5", kNone, kNone},
    {"Score: 2. The score: as said above", 2, 2},
    {"<think>Score: 1, or Score: 2?</think>\nScore: 4", kNone, 4},
    {"Maybe score: 1</think>Score: 4", kNone, 4},
    {"<think>Score: 1", 1, kNone},
    {"`Score: 2` (fair)", 2, 2},
    {"Score: 3 (Good), because", 3, 3},
    {"Score: 3/5", 3, kNone},
    {"Score: 3 out of 10", 3, kNone},
    {"Score: 2-3", 2, kNone},
    {"Score: 2 to 3", 2, kNone},
    {"Score: 3 - good", 3, 3},
    {"Score: 3 to be fair", 3, 3},
    {"Score: 2\n- 2 of the 4 dogs are missing", 2, 2},
    {"Score: 3\nto 2 of them", 3, 3},
    {"Score: 3 (out of a possible 4)", 3, 3},
    {"Score: 3 out of a total of 4", 3, 3},
    {"Score: 3 (out of a possible 10)", 3, kNone},
    {"Score: I would say that it shows 3 dogs", kNone, kNone},
    {"The underscore: 3", 3, 3},
    {"", kNone, kNone},
    {"I'm sorry, I can't help with that.", kNone, kNone},
    {"Score: 99999999999999999999", kNone, kNone},
};

TEST(ScoreParser, ReadsTheVectors) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(strict_score(vector.answer).value_or(kNone), vector.strict) << vector.answer;
    EXPECT_EQ(lenient_score(vector.answer).value_or(kNone), vector.lenient) << vector.answer;
  }
}

TEST(ScoreParser, SaysWhichRuleReadTheAnswer) {
  Attempt attempt{.answer = "**Score**: 3"};
  apply_parser(attempt, "strict");
  EXPECT_EQ(attempt.status, RatingStatus::kParseError);
  EXPECT_EQ(attempt.error, "the answer holds no score by the rule 'strict'");
  apply_parser(attempt, "lenient");
  EXPECT_EQ(attempt.status, RatingStatus::kOk);
  EXPECT_EQ(attempt.score, 3);
  EXPECT_EQ(attempt.parser, "lenient");
  EXPECT_EQ(attempt.error, "");
}

}  // namespace
}  // namespace mentor
