#include "eval/evaluation_fixture.h"
#include "mentor/core/error.h"
#include "mentor/eval/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace mentor {
namespace {

using ::testing::AllOf;
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

  /// CLIP-I of 2 subjects x 9 prompts: 50, and as much more as `change` says of the subject.
  fs::path measured(const std::string& name, const std::array<double, 2>& change,
                    const std::string& network = "00", int64_t prompts = 9) const {
    fs::create_directories(folder_.dir / name);
    SimilarityStore store(similarity_file(folder_.dir / name));
    for (int64_t subject = 0; subject < 2; ++subject) {
      for (int64_t prompt = 0; prompt < prompts; ++prompt) {
        Similarity similarity{.item = {.subject = {Category::kAnimal, subject}, .prompt = prompt},
                              .reference_sha256 = "aa",
                              .generated_sha256 = "bb",
                              .caption = "a fox",
                              .values = {}};
        similarity.of(Metric::kClipI) = {50 + change.at(static_cast<size_t>(subject)),
                                         {"clip", "ViT-B/32", network, "fp32"}};
        store.append(similarity);
      }
    }
    return folder_.dir / name;
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

TEST_F(ComparisonTest, ComparesWhatWasMeasuredPictureByPicture) {
  const auto base = measured("base", {0, 20}), better = measured("better", {2, 24});
  const MethodComparison unrated = compare_methods({.first = base, .second = better});
  EXPECT_FALSE(unrated.rated);
  EXPECT_THAT(comparison_text(unrated),
              HasSubstr("CLIP-I           60.00   63.00       +3.00  +2.00 to +4.00    second"));
  const auto json = nlohmann::json::parse(comparison_json(unrated));
  EXPECT_EQ(json["likeness"]["clip_i"]["difference"], 3);
  EXPECT_FALSE(json.contains("cells"));

  // Beside ratings, and of the pictures of both alone.
  const auto two = [](const RatingKey&) { return 2; };
  judged("base", two);
  EXPECT_THAT(error_of({.first = base, .second = better}), HasSubstr("better/ratings.jsonl: no r"));
  judged("better", two);
  EXPECT_THAT(comparison_text(compare_methods({.first = base, .second = better})),
              AllOf(HasSubstr("judge-1"), HasSubstr("+3.00  +2.00 to +4.00")));
  const auto fewer = measured("fewer", {2, 24}, "00", 4), other = measured("other", {0, 0}, "11");
  EXPECT_THAT(error_of({.first = base, .second = fewer}),
              HasSubstr("CLIP-I: 10 pictures were measured of one method only"));
  EXPECT_THAT(error_of({.first = base, .second = other}),
              HasSubstr("CLIP-I was measured by different networks: clip (fp32) for the first"));
  judged("fewer", two);
  EXPECT_THAT(
      comparison_text(compare_methods({.first = base, .second = fewer, .allow_partial = true})),
      HasSubstr("+3.00  +2.00 to +4.00"));
}

TEST_F(ComparisonTest, WantsOneRubric) {
  const auto two = [](const RatingKey&) { return 2; };
  const auto one = judged("one", two), other = judged("other", two);
  for (const auto& [out, rules] : {std::pair(one, "aa"), std::pair(other, "bb")}) {
    Attempt again = read_attempts(ratings_file(out)).front();
    again.prompt_sha256 = rules;
    RatingStore(ratings_file(out)).append(again);
  }
  EXPECT_THAT(error_of({.first = one, .second = other}),
              AllOf(HasSubstr("the rubrics differ, and with them what a score means: "),
                    HasSubstr("follow different rules on 'subject': let one judge rate both")));
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
