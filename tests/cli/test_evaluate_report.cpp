#include "mentor/eval/store.h"
#include "support/check_markup.h"
#include "support/evaluate_run.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Ratings come from files, as from the code of DreamBench++: no judge is asked.
class EvaluateReport : public EvaluateRun {
 protected:
  /// Writes {"<id>-<p>": score, ...} for all 27 pictures.
  void put_scores(const std::string& file, int64_t score) const {
    nlohmann::json scores;
    for (const char* id :
         {"live_subject_animal_00_toy_00", "object_00_toy_00", "style_00_toy_00"}) {
      for (int64_t p = 0; p < kPromptsPerSubject; ++p) scores[format("{}-{}", id, p)] = score;
    }
    put_file(dir_ / file, scores.dump());
  }
  ProgramResult command(const std::string& verb, const std::vector<std::string>& more) const {
    std::vector<std::string> all = {MENTOR_BINARY, "evaluate", verb};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  }
  ProgramResult import(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"-c", config_.string()};
    all.insert(all.end(), more.begin(), more.end());
    return command("import", all);
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  /// CP 3 and PF 2 for everything, by one judge in one run.
  void import_judge(const std::string& out = "") {
    put_scores("concept_preservation_full/mine.json", 3);
    put_scores("prompt_following_full/mine.json", 2);
    std::vector<std::string> words = {at("concept_preservation_full/mine.json"),
                                      at("prompt_following_full/mine.json"), "--judge", "gpt"};
    if (!out.empty()) words.insert(words.end(), {"--set", "evaluate.out=" + at(out)});
    const ProgramResult result = import(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("ratings.jsonl: 54 of 54 ratings are new"));
  }
};

TEST_F(EvaluateReport, FromImportToReport) {
  import_judge();
  put_file(dir_ / "ada.json",
           R"({"rater": "Ada", "methods": {"samples": {"object_00_toy_00-3": [4, 1]}}})");
  EXPECT_THAT(import({at("ada.json")}).out, HasSubstr("people/Ada.jsonl: 2 of 2 ratings are new"));
  const ProgramResult report = run("report", {"report.draws=200"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(
      report.out,
      AllOf(HasSubstr("CP     0.750   95 % interval 0.750 to 0.750"), HasSubstr("CP*PF  0.375"),
            HasSubstr("published figures: another judge: gpt"), HasSubstr("out/report.html")));
  const std::string page = read_text(dir_ / "out/report.html");
  EXPECT_EQ(check_markup(page), "");
  EXPECT_THAT(page, AllOf(HasSubstr("judge and Ada"), HasSubstr("draws: 200")));
  const auto summary = nlohmann::json::parse(read_text(dir_ / "out/summary.json"));
  EXPECT_EQ(summary["cells"]["cp_pf"]["value"], 0.375);
}

TEST_F(EvaluateReport, SaysWhatAnImportIsWorth) {
  import_judge();
  const auto ada = [&](const std::string& pair, const std::string& pictures = "") {
    put_file(dir_ / "ada.json",
             R"({"rater": "Ada", "methods": {"samples": {"object_00_toy_00-3": )" + pair + "}}" +
                 pictures + "}");
    return import({at("ada.json")});
  };
  const ProgramResult first = ada("[4, 1]");
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("ada.json: 2 ratings do not say which pictures were shown"));
  EXPECT_THAT(ada("[4, 2]").out, HasSubstr("0 of 2 ratings are new, 1 replace earlier ones"));
  expect_one_message(ada("[4, 2]", R"(, "pictures": {"samples": {"object_00_toy_00-3": "ab"}})"),
                     "ada.json: rates other pictures than are there now (object_00-3_0)");
  // A run more than evaluate.judge.runs.
  const std::string more = at("concept_preservation_full/mine.json");
  const ProgramResult fourth = import({more, "--judge", "gpt", "--run", "3"});
  EXPECT_EQ(fourth.exit_code, 0) << fourth.err;
  EXPECT_THAT(fourth.err, AllOf(HasSubstr("will not read run 3 (the first is 0)"),
                                HasSubstr("set evaluate.judge.runs to 4 or more")));
  EXPECT_EQ(ada("[4, 2]").exit_code, 0);
  EXPECT_THAT(import({at("ada.json"), "--run", "1"}).err,
              HasSubstr("Ada.jsonl: the report will not read run 1"));
}

TEST_F(EvaluateReport, APictureDamagedSinceItWasRatedIsAGap) {
  import_judge();
  put_file(object_ / "4_0.jpg", "no picture");
  const ProgramResult report = run("report", {"report.draws=200"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.err, HasSubstr("warning: " + (object_ / "4_0.jpg").string() + ": not a"));
}

TEST_F(EvaluateReport, ExportsWhatItImports) {
  import_judge();
  const ProgramResult exported = command("export", {config_.string(), "--out", at("files"), "--set",
                                                    "evaluate.report.method=My Method"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_TRUE(fs::exists(dir_ / "files/concept_preservation_full/my_method" /
                         "My Method-style_00_toy_00-8.json"));
  const std::string again = at("files/prompt_following_full/my_method.json");
  EXPECT_THAT(import({again, "--judge", "gpt"}).out, HasSubstr("0 of 27 ratings are new"));
}

TEST_F(EvaluateReport, ComparesAndRates) {
  import_judge();
  import_judge("other");
  const ProgramResult compared =
      command("compare", {at("out"), at("other"), "--json", at("difference.json")});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("CP               0.750   0.750      +0.000"));
  EXPECT_EQ(nlohmann::json::parse(read_text(dir_ / "difference.json"))["cells"]["pf"]["low"], 0);

  const ProgramResult rate = command("rate", {config_.string(), "-n", "4", "--out", at("r.html")});
  EXPECT_EQ(rate.exit_code, 0) << rate.err;
  EXPECT_EQ(check_markup(read_text(dir_ / "r.html")), "");
}

TEST_F(EvaluateReport, SaysOnceWhatIsWrong) {
  expect_one_message(run("report"), "out/ratings.jsonl: no ratings yet: 'mentor evaluate judge'");
  expect_one_message(run("report", {"out="}), "evaluate.out: is not set");
  expect_one_message(command("compare", {at("out"), at("other")}), "ratings.jsonl: no ratings");
  import_judge();
  put_scores("more.json", 1);
  expect_one_message(import({at("more.json"), "--judge", "gpt"}),
                     "neither --task cp nor --task pf");
  expect_one_message(import({at("more.json"), "--judge", "gpt", "--task", "cp"}),
                     "has the cp score 3 already, not 1: import another judgement as another run");
  expect_one_message(import({at("more.json"), "--judge", "qwen", "--task", "cp", "--run", "1"}),
                     "the ratings so far are by 'gpt'");
  expect_one_message(import({at("more.json"), "--task", "cp"}), "does not say who rated");
  expect_one_message(import({config_.string(), "--judge", "gpt"}), "evaluate.yaml: is no JSON");
  expect_one_message(import({at("nothing.json"), "--judge", "gpt"}), "nothing.json");

  put_file(dir_ / "second/part.json", R"({"object_00_toy_00-0": 1})");
  EXPECT_EQ(import({at("second"), "--judge", "gpt", "--task", "cp", "--run", "1"}).exit_code, 0);
  expect_one_message(run("report", {"report.draws=200"}),
                     "out: 50.9 % (55 of 108) is rated, too little for CP and PF");
  EXPECT_EQ(run("report", {"report.draws=200", "judge.runs=1"}).exit_code, 0);
  EXPECT_EQ(run("report", {"report.draws=200", "allow_partial=true"}).exit_code, 0);

  put_file(dir_ / "file", "");
  expect_one_message(command("export", {config_.string(), "--out", at("file/x")}), "file/x");
  expect_one_message(command("rate", {config_.string(), "--out", at("file/x.html")}), "file/x");
}

}  // namespace
}  // namespace mentor
