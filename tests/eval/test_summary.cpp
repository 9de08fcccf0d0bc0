#include "eval/evaluation_fixture.h"
#include "mentor/eval/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// CP 4 for animals and 1 for objects; PF 2. Without `complete` the judge declined one item.
class SummaryTest : public ::testing::Test {
 protected:
  void judge(bool complete) {
    folder_.judge(2, [complete](const RatingKey& key) -> std::optional<int64_t> {
      const ItemKey& item = key.item;
      const bool first = item.prompt == 0 && item.subject.index == 0 && key.run == 0;
      if (key.task == RatingTask::kPf) return 2;
      if (item.subject.category == Category::kAnimal) return 4;
      if (first && !complete) return {};
      return 1;
    });
    folder_.config.report.draws = 200;
    evaluation_ = load_evaluation(folder_.config);
    figures_ = conclude(evaluation_, folder_.config);
  }
  nlohmann::json summary() const {
    return nlohmann::json::parse(summary_json(evaluation_, figures_));
  }

  JudgedFolder folder_;
  Evaluation evaluation_;
  EvaluationFigures figures_;
};

TEST_F(SummaryTest, OfACompleteEvaluation) {
  judge(true);
  const nlohmann::json json = summary();
  EXPECT_EQ(json["cells"]["animal"]["value"], 1);
  EXPECT_EQ(json["cells"]["object"]["value"], 0.25);
  EXPECT_EQ(json["cells"]["cp"]["value"], 0.55);  // (2 * 1 + 3 * 0.25) / 5
  EXPECT_EQ(json["cells"]["cp_pf"]["value"], 0.275);
  EXPECT_NEAR(json["cells"]["cp_over_pf"]["value"], 1.1, 1e-12);
  EXPECT_TRUE(json["cells"]["human"]["value"].is_null());
  EXPECT_EQ(json["cells"]["cp"]["rated"], 90);
  EXPECT_EQ(json["cells"]["cp"]["run_deviation"], 0);
  EXPECT_EQ(json["coverage"], 1);
  EXPECT_EQ(json["has_headline"], true);
  EXPECT_EQ(json["judge"]["model"], "judge-1");
  EXPECT_EQ(json["runs"], 2);
  EXPECT_EQ(json["agreement"][0]["between"], "runs of the judge");

  EXPECT_THAT(table_csv(figures_), HasSubstr("\nanimal,1,1,1,0,36,36,1,1\n"));
  EXPECT_THAT(table_csv(figures_), HasSubstr("\nhuman,,,,,0,0,,\n"));
  const std::string items = items_csv(evaluation_);
  EXPECT_EQ(std::ranges::count(items, '\n'), 1 + 2 * 2 * 45);
  EXPECT_THAT(items, HasSubstr("\nanimal,1,Toy 01,3,0,A toy 01 in place 3,pf,1,ok,2\n"));
  const std::string markdown = report_markdown(evaluation_, figures_);
  EXPECT_THAT(markdown, HasSubstr("| samples | 1.000 | n/a | 0.250 | n/a | 0.550 | 0.500 |"));
  EXPECT_THAT(markdown, HasSubstr("| DreamBooth LoRA | 0.751 |"));
  EXPECT_THAT(markdown, HasSubstr("**Not comparable with the published figures:**"));
  EXPECT_THAT(markdown, HasSubstr("another judge: judge-1"));
  for (const PublishedTable& table : published_tables()) {
    const size_t at = markdown.find("\n" + std::string(table.title) + " (");
    ASSERT_NE(at, markdown.npos) << table.title;
    EXPECT_THAT(markdown.substr(at, markdown.find('\n', at + 1) - at), HasSubstr("not comparable"));
  }
  // MENTOR's own quotient, its second version, the deviations of its ablations.
  EXPECT_THAT(markdown, HasSubstr("| 0.84 | 0.47 | 0.65 |"));
  EXPECT_THAT(markdown, HasSubstr("| 0.84 | 0.47 | 0.66 |"));
  EXPECT_THAT(markdown, HasSubstr("| 0.179 ± 0.002 |"));
  EXPECT_THAT(markdown, HasSubstr("| 0.882 ± 0.000 | 0.371 |"));
}

TEST_F(SummaryTest, HasNoHeadlineUntilAllIsRated) {
  judge(false);
  EXPECT_FALSE(figures_.has_headline);
  EXPECT_EQ(coverage_text(figures_.table), "99.4 % (179 of 180)");
  const nlohmann::json json = summary();
  EXPECT_TRUE(json["cells"]["cp"]["value"].is_null());
  EXPECT_TRUE(json["cells"]["cp"]["low"].is_null());
  // One of 45 in run 0: (72 + 26) / 180 = .5444, or 4 more; run 1 has .55.
  EXPECT_NEAR(json["cells"]["cp"]["lowest_if_missing_are_0"], (98 / 180.0 + 0.55) / 2, 1e-12);
  EXPECT_NEAR(json["cells"]["cp"]["highest_if_missing_are_4"], (102 / 180.0 + 0.55) / 2, 1e-12);
  EXPECT_EQ(json["without_score"]["refused"], 1);
  EXPECT_THAT(report_markdown(evaluation_, figures_),
              HasSubstr("| samples | - | n/a | - | n/a | - |"));
  EXPECT_THAT(report_markdown(evaluation_, figures_), HasSubstr("- not all is rated: 99.4 %"));
  EXPECT_THAT(items_csv(evaluation_), HasSubstr(",cp,0,refused,\n"));

  folder_.config.allow_partial = true;
  figures_ = conclude(evaluation_, folder_.config);
  EXPECT_EQ(summary()["cells"]["object"]["value"], 0.25);
  EXPECT_THAT(report_markdown(evaluation_, figures_), HasSubstr("- not all is rated: 99.4 %"));
}

TEST_F(SummaryTest, GivesTheTextThatTheJudgeGot) {
  const std::string id = folder_.dataset.subjects[0].collection_id();
  put_file(folder_.config.samples / "text" / id / "3_0.txt", "A toy elsewhere");
  judge(true);
  EXPECT_THAT(items_csv(evaluation_),
              HasSubstr("\nanimal,0,Toy 00,3,0,A toy elsewhere,pf,0,ok,2\n"));
  EXPECT_THAT(items_csv(evaluation_), HasSubstr("\nanimal,0,Toy 00,4,0,A toy 00 in place 4,pf,0,"));
}

TEST_F(SummaryTest, QuotesWhatFormatsNeed) {
  judge(true);
  evaluation_.dataset.subjects[0].name = "a \"b\", c";
  evaluation_.method = "x|y";
  EXPECT_THAT(items_csv(evaluation_), HasSubstr("\nanimal,0,\"a \"\"b\"\", c\",0,"));
  EXPECT_THAT(report_markdown(evaluation_, figures_), HasSubstr("| x\\|y |"));
}

}  // namespace
}  // namespace mentor
