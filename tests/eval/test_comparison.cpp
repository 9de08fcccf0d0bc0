#include "eval/evaluation_fixture.h"
#include "mentor/core/error.h"
#include "mentor/eval/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using ::testing::HasSubstr;

class ComparisonTest : public ::testing::Test {
 protected:
  fs::path judged(const std::string& name, const JudgedFolder::Score& score,
                  const std::string& model = "judge-1") const {
    folder_.judge(ratings_file(folder_.dir / name), 1, score, model);
    return folder_.dir / name;
  }
  static std::string error_of(const ComparisonOptions& options) {
    try {
      (void)compare_methods(options);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  JudgedFolder folder_;
};

TEST_F(ComparisonTest, SaysWhichIsHigher) {
  // PF is one more for the second, CP the same but for one subject, which is up.
  const auto low = judged("low", [](const RatingKey&) { return 2; });
  const auto high = judged("high", [](const RatingKey& key) {
    if (key.task == RatingTask::kPf) return 3;
    return key.item.subject == SubjectKey{Category::kObject, 1} ? 3 : 2;
  });
  const MethodComparison up =
      compare_methods({.first = low, .second = high, .bootstrap = {.draws = 500}});
  const std::string text = comparison_text(up);
  EXPECT_THAT(text,
              HasSubstr("PF               0.500   0.750      +0.250  +0.250 to +0.250  second"));
  EXPECT_THAT(text,
              HasSubstr("CP               0.500   0.550      +0.050  +0.000 to +0.150  open"));
  EXPECT_THAT(text, HasSubstr("Human              n/a     n/a         n/a  n/a"));
  EXPECT_THAT(text, HasSubstr("judge:  judge-1 (own rubric)"));
  const auto json = nlohmann::json::parse(comparison_json(up));
  EXPECT_EQ(json["cells"]["pf"]["difference"], 0.25);
  EXPECT_TRUE(json["cells"]["human"]["low"].is_null());
  EXPECT_THAT(comparison_text(compare_methods({.first = high, .second = low})),
              HasSubstr("-0.250 to -0.250  first"));
}

TEST_F(ComparisonTest, SaysWhatIsWrong) {
  const auto two = [](const RatingKey&) { return 2; };
  const auto one = judged("one", two), other = judged("other", two, "judge-2");
  const auto holes = judged("holes", [](const RatingKey& key) -> std::optional<int64_t> {
    if (key.item.prompt == 8) return {};
    return 2;
  });
  EXPECT_THAT(error_of({.first = one, .second = folder_.dir / "none"}),
              HasSubstr("none/ratings.jsonl: no ratings: compare takes the evaluate.out folders"));
  EXPECT_THAT(error_of({.first = one, .second = other}),
              HasSubstr("the judges differ, and with them what a score means: "));
  EXPECT_THAT(error_of({.first = one, .second = holes}),
              HasSubstr("80 of 90 items have a score in both"));
  const ComparisonOptions partial{.first = one, .second = holes, .allow_partial = true};
  EXPECT_EQ(error_of(partial), "no error");
  EXPECT_THAT(comparison_text(compare_methods(partial)),
              HasSubstr("of the 88.8 % that have a score in both"));
}

}  // namespace
}  // namespace mentor
