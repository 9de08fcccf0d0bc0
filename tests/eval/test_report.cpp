#include "eval/evaluation_fixture.h"
#include "mentor/core/error.h"
#include "mentor/eval/report.h"
#include "support/check_markup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace mentor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class EvaluationReportTest : public ::testing::Test {
 protected:
  std::string page(const EvaluateConfig& config) const {
    const Evaluation evaluation = load_evaluation(config);
    return report_page(evaluation, conclude(evaluation, config), {.configuration = "a: <b>"});
  }

  JudgedFolder folder_;
};

TEST_F(EvaluationReportTest, ShowsEverything) {
  folder_.config.report = {.method = "A & B", .draws = 200};
  folder_.judge(2, [](const RatingKey& key) { return (key.item.prompt + key.run) % 5; });
  folder_.judge(people_file(folder_.config.out, "Ada"), 1,
                [](const RatingKey& key) { return key.item.prompt % 5; });
  const std::string html = page(folder_.config);
  EXPECT_EQ(check_markup(html), "");
  for (const char* part : {"<h1>A &amp; B</h1>",
                           "<b>all rated</b>",
                           "judge: judge-1, 2 runs",
                           "<li>another judge: judge-1, not gpt-4o-2024-05-13</li>",
                           "<dt>CP·PF</dt>",
                           "<b>DreamBench++ leaderboard</b>",
                           "judge: gpt-4o-2024-05-13, no longer served; not "
                           "comparable",
                           "<td>0.751</td>",
                           "CP/PF</th>",
                           "0.179<small>± 0.002</small>",
                           "<td>3.79</td>",
                           "viewBox=\"0 0 1000 1000\"",
                           "judge and Ada",
                           "<a href=\"#animal-01\">Toy 01</a>",
                           "id=\"animal-01\"",
                           "--strip:url(data:image/jpeg;",
                           "A toy 01 in place 3",
                           "CP 3 4 · PF 3 4",
                           "So &lt;it&gt; is.",
                           "a: &lt;b&gt;",
                           "<td class=\"h7\">3.5</td>",
                           "over runs"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
  EXPECT_THAT(html, Not(HasSubstr("Without a score")));
  EXPECT_THAT(html, Not(HasSubstr("https:")));
}

TEST_F(EvaluationReportTest, ShowsWhatFailed) {
  folder_.judge(1, [](const RatingKey& key) -> std::optional<int64_t> {
    if (key.item.prompt == 2) return {};
    return 2;
  });
  const std::string html = page(folder_.config);
  EXPECT_EQ(check_markup(html), "");
  EXPECT_THAT(html, HasSubstr("88.8 % (80 of 90) rated"));
  EXPECT_THAT(html, HasSubstr("missing as 0 or 4: 0.444 to 0.556"));
  EXPECT_THAT(html, HasSubstr("<small>were the missing 0, or 4</small>"));
  EXPECT_THAT(html, HasSubstr("<td>-<small>0.444<br/>0.556</small></td>"));
  EXPECT_THAT(html, HasSubstr("<td>animal_00-2_0</td><td>CP, run 1</td><td>refused: declined"));
  EXPECT_THAT(html, HasSubstr("<td class=\"none\">"));
}

TEST_F(EvaluationReportTest, HasNoProductOfOneTask) {
  folder_.config.tasks = {"cp"};
  for (const bool complete : {true, false}) {
    fs::remove_all(folder_.config.out);
    folder_.judge(1, [&](const RatingKey& key) -> std::optional<int64_t> {
      if (!complete && key.item.prompt == 2) return {};
      return 2;
    });
    const std::string html = page(folder_.config);
    EXPECT_EQ(check_markup(html), "");
    EXPECT_THAT(html, Not(HasSubstr(">nan")));
    EXPECT_THAT(html, Not(HasSubstr("nan to")));
    EXPECT_THAT(html, HasSubstr("<dt>CP·PF</dt><dd>n/a"));
  }
}

TEST_F(EvaluationReportTest, NeedsNoPictures) {
  folder_.judge(1, [](const RatingKey&) { return 4; });
  folder_.config.samples.clear();
  const std::string html = page(folder_.config);
  EXPECT_EQ(check_markup(html), "");
  EXPECT_THAT(html, Not(HasSubstr("data:image")));
  EXPECT_THAT(html, HasSubstr("A toy 01 in place 3"));
}

TEST_F(EvaluationReportTest, WritesItsFiles) {
  folder_.judge(1, [](const RatingKey&) { return 4; });
  const EvaluateConfig& config = folder_.config;
  const EvaluationFigures figures = write_evaluation_report(config, {});
  EXPECT_EQ(figures.table[Cell::kProduct].value, 1);
  for (const char* name : {"report.html", "report.md", "summary.json", "table.csv", "items.csv"}) {
    EXPECT_GT(fs::file_size(config.out / name), 100u) << name;
  }
}

TEST_F(EvaluationReportTest, ASmallPartIsNoHeadline) {
  folder_.judge(1, [](const RatingKey& key) -> std::optional<int64_t> {
    if (key.item.prompt == 2) return {};
    return 2;
  });
  const auto message = [&]() -> std::string {
    try {
      (void)write_evaluation_report(folder_.config, {});
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(), HasSubstr("out: 88.8 % (80 of 90) is rated, too little for CP and PF: run "
                                   "'mentor evaluate judge' again, or set "
                                   "evaluate.allow_partial=true"));
  EXPECT_TRUE(fs::exists(folder_.config.out / "report.html")) << "says what is missing";
  folder_.config.allow_partial = true;
  EXPECT_EQ(message(), "no error");
  fs::remove_all(folder_.config.out / "report.html");
  fs::create_directories(folder_.config.out / "report.html/in the way");
  EXPECT_THAT(message(), HasSubstr("report.html"));
}

}  // namespace
}  // namespace mentor
