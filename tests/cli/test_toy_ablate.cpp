#include "mentor/core/filesystem.h"
#include "support/check_markup.h"
#include "support/one_message.h"
#include "support/processes.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <map>
#include <regex>

// mentor toy ablate from untrained parts to the report: two rows, two seeds, two steps each.

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class ToyAblate : public testing::Test {
 protected:
  ToyAblate() {
    write_text(dir_ / "stage1.yaml", std::string("base: ") + MENTOR_SOURCE_DIR + kStage1);
    write_text(dir_ / "stage2.yaml", kStage2);
    write_text(dir_ / "table.yaml", kTable);
  }

  void make_parts() const {
    const ProgramResult made =
        run_program({MENTOR_BINARY, "weights", "init", "--config", path("stage1.yaml"), "--fan-in",
                     "--toy-words", "--dtype", "fp32", "--out", path("start")});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }
  [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {MENTOR_BINARY, "toy", "ablate", path("table.yaml")};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  [[nodiscard]] ProgramResult ablate(const std::vector<std::string>& more = {}) const {
    return run_program(words(more));
  }
  [[nodiscard]] std::string text(const std::string& name) const { return read_text(dir_ / name); }
  [[nodiscard]] bool has(const std::string& name) const { return fs::exists(dir_ / name); }
  void change(const std::string& file, const std::string& before, const std::string& after) const {
    const std::string old = text(file);
    const size_t at = old.find(before);
    ASSERT_NE(at, std::string::npos) << before;
    write_text(dir_ / file, std::string(old).replace(at, before.size(), after));
  }
  /// Of a figure: the mean over pictures, then over seeds.
  [[nodiscard]] double mean(const std::string& row, const std::string& figure) const {
    double sum = 0, count = 0;
    for (const char* seed : {"0", "1"}) {
      const auto json = nlohmann::json::parse(
          text("table/" + row + "/seed_" + seed + "/guidance_1.5/scores.json"));
      for (const auto& picture : json.at("pictures")) {
        sum += picture.at(figure).get<double>();
        ++count;
      }
    }
    return sum / count;
  }

  static constexpr const char* kStage1 = R"(/configs/toy/world.yaml
model:
  clip: {hidden_size: 32, intermediate_size: 32, num_layers: 1}
  t5: {d_model: 32, d_ff: 32, num_layers: 1}
  decoder: {dim: 32, num_layers: 1, num_heads: 2, cond_dim: 32}
  codec: {ch: 32, num_res_blocks: 1, norm_groups: 8, z_channels: 16}
weights: {codec: start/codec.safetensors, tokenizer: start/spiece.model}
data:
  stage: alignment
  mixture:
    reconstruction: {toy: train, tasks: [reconstruction], samples: 10}
    segmentation: {toy: train, tasks: [segmentation], samples: 30}
train: {init_from: start/model.safetensors, steps: 2, global_batch: 4, micro_batch: 4, log_every: 1, validate_every: 0, freeze: all}
checkpoint: {every: 1}
generate: {guidance_scale: 1.5}
runtime: {dtype: fp32}
)";
  static constexpr const char* kStage2 = R"(
base: stage1.yaml
data:
  stage: instruction
  mixture:
    reconstruction: {samples: 0}
    recovery: {toy: train, tasks: [recovery], samples: 20}
    subject: {toy: train, tasks: [subject], samples: 20}
train: {steps: 3}
)";
  static constexpr const char* kTable = R"(
stage1: stage1.yaml
stage2: stage2.yaml
out: table
seeds: 2
cases: 8
set: [toy.nouns=object]
guidance_scales: [1]
rows:
  full: {paper: MENTOR}
  no_recovery: {paper: no image recovery, stage2: [data.mixture.recovery.samples=0]}
)";

  const TempDir dir_;
};

TEST_F(ToyAblate, GoesOnAfterAKillAndReportsWhatTheScoresSay) {
  make_parts();
  StartedProgram first(words({"--nproc", "2"}));
  EXPECT_TRUE(
      comes_true([&] { return has("table/full/seed_0/stage1/checkpoints/step_00000002"); }));
  kill_at_once(first);
  const std::string stage1_log = text("table/full/seed_0/stage1/output.log");

  const ProgramResult result = ablate();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              HasSubstr("Signs of differences to the full model in untold CP, PF and CP×PF: 3, "
                        "the paper's "));
  EXPECT_EQ(text("table/full/seed_0/stage1/output.log"), stage1_log) << "trained again";
  EXPECT_FALSE(has("table/no_recovery/seed_0/stage1")) << "it is the same as the full model's";
  EXPECT_THAT(text("table/no_recovery/seed_1/stage2/config.yaml"),
              HasSubstr("init_from: " + path("table/full/seed_1/stage1")));
  EXPECT_TRUE(has("table/full/seed_1/guidance_1/scores.json"));
  EXPECT_FALSE(has("table/no_recovery/seed_1/guidance_1"));

  const std::string report = text("table/ablations.md");
  for (const std::string row : {"full", "no_recovery"}) {
    const double cp = mean(row, "CP"), pf = mean(row, "PF");
    char expected[200];
    std::snprintf(expected, sizeof(expected),
                  "\\| %s \\| 2 \\+ 3 \\| %.3f .* \\| %.3f .* \\| %.3f .* \\| %.3f ", row.c_str(),
                  cp, mean(row, "untold CP"), pf, cp * pf);
    EXPECT_THAT(report, ContainsRegex(expected));
  }
  EXPECT_THAT(report, HasSubstr("0.661 | 0.284 | 0.188 | 2.327"));
  EXPECT_THAT(report, HasSubstr("## Guidance of the full model"));
  EXPECT_THAT(report, HasSubstr("## Each training by itself"));

  const std::string page = text("table/report.html");
  EXPECT_EQ(check_markup(page), "");
  const auto number_of = [&](const std::string& part) {
    size_t count = 0;
    for (size_t at = page.find(part); at != page.npos; at = page.find(part, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(number_of("alt=\"reference\""), 8U);
  EXPECT_EQ(number_of("alt=\"no_recovery\""), 8U);
  EXPECT_EQ(number_of("class=\"axis\""), 3U + 4 * 4U);  // the key; two rows, two scales

  fs::remove(dir_ / "table/ablations.md");
  const ProgramResult again = ablate();  // nothing but the report is left to do
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(text("table/ablations.md"), report);

  write_text(dir_ / "start/spiece.model", text("start/spiece.model") + " ");
  expect_one_message(ablate(), "start/spiece.model: was trained anew since ");
  expect_one_message(ablate({"--set", "cases=9"}), "toy.records: 8 there, 9 now");
  change("stage2.yaml", "steps: 3", "steps: 4");
  expect_one_message(ablate(),
                     "seed_0/stage2/config.yaml: was made with other options "
                     "(train.steps: 3 there, 4 now): choose another --out");
}

TEST_F(ToyAblate, ATrainingThatFailsIsNamedLast) {
  make_parts();
  change("table.yaml", "full: {paper: MENTOR}",
         "full: {paper: MENTOR, stage1: [model.decoder.num_heads=4, model.decoder.dim=64]}");
  const ProgramResult result = ablate();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, ContainsRegex("error: full/seed_[01]/stage1 failed first, with exit code "
                                        "2:\nerror: .*model.safetensors"));
}

TEST_F(ToyAblate, PlansWithoutParts) {
  const ProgramResult plan = ablate({"--plan"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("6 trainings, 6 drawings of 8 cases; 16 steps and 19 commands"));
  EXPECT_FALSE(has("table"));
  // A figure may have fewer seeds than the table: here one of its two.
  EXPECT_THAT(ablate({"--plan", "--set", "condition_dropouts=[0.2]", "--set", "sweep_seeds=1"}).out,
              AllOf(HasSubstr("7 trainings, 6 drawings of 8 cases"),
                    HasSubstr("condition_dropout_0.2/seed_0"),
                    Not(HasSubstr("condition_dropout_0.2/seed_1"))));

  // What is left out takes its steps with it, or leaves them to the rest.
  change(
      "table.yaml", "no_recovery:",
      "no_seg: {paper: no segmentation in stage 1, stage1: [data.mixture.segmentation.samples=0], "
      "stage2: [train.steps=7]}\n"
      "  no_stage1: {paper: no stage 1, skip_stage1: true}\n  no_recovery:");
  const std::string same = ablate({"--plan", "--seeds", "1"}).out;
  EXPECT_THAT(same, ContainsRegex("no_seg/seed_0/stage1 +2 steps\nno_seg/seed_0/stage2 +7 steps"));
  EXPECT_THAT(same, ContainsRegex("no_stage1/seed_0/stage2 +5 steps"));
  EXPECT_THAT(same, Not(HasSubstr("no_stage1/seed_0/stage1")));
  const std::string removed = ablate({"--plan", "--seeds", "1", "--set", "budget=removed"}).out;
  EXPECT_THAT(removed, ContainsRegex("no_seg/seed_0/stage1 +1 steps"));
  EXPECT_THAT(removed, ContainsRegex("no_stage1/seed_0/stage2 +3 steps"));
  EXPECT_THAT(removed, ContainsRegex("no_recovery/seed_0/stage2 +2 steps"));
}

TEST_F(ToyAblate, RunsThatRowsStartFromAreFinished) {
  make_parts();
  const ProgramResult trained =
      run_program({MENTOR_BINARY, "train", path("stage1.yaml"), "--set",
                   "train.out=" + path("begun"), "--set", "train.steps=1"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string checkpoint = "begun/checkpoints/step_00000001";
  const auto start_from = [&](const std::string& name) {
    write_text(dir_ / "stage1.yaml", std::string("base: ") + MENTOR_SOURCE_DIR + kStage1);
    change("stage1.yaml", "start/model.safetensors", name);
  };
  const auto expect_refused = [&](const std::string& part) {
    expect_one_message(ablate(), part);
    EXPECT_FALSE(has("table")) << "nothing is written before";
  };
  const auto expect_taken = [&] {
    expect_one_message(ablate({"--out", "/proc/table"}), "/proc/table");
  };

  fs::create_directories(dir_ / "empty");
  start_from("empty");
  expect_refused("stage1.yaml:13: train.init_from: " + path("empty") + " holds no checkpoint");
  start_from("begun");
  expect_taken();
  change(checkpoint + "/config.yaml", "\n  steps: 1 ", "\n  steps: 3 ");
  expect_refused(path("begun") + " stands at step 1 of 3: finish it");
  start_from(checkpoint);  // this one is meant
  expect_taken();
  start_from("start");  // a folder of weights
  expect_taken();
  change("stage1.yaml", "tokenizer: start/spiece.model", "tokenizer: empty");
  expect_refused("weights.tokenizer: " + path("empty") + " holds no tokenizer.json");
}

TEST_F(ToyAblate, SaysWhatIsWrong) {
  expect_one_message(ablate(), "train.init_from: there is no ");
  const auto with_row = [&](const std::string& row) {
    write_text(dir_ / "table.yaml", kTable);
    change("table.yaml", "  no_recovery:", "  " + row + "\n  no_recovery:");
    return ablate({"--plan"});
  };
  expect_one_message(with_row("a: {stage2: [data.mixture.recovery.sample=0]}"),
                     "table.yaml:11: rows.a.stage2: data.mixture.recovery.sample: unknown key (did "
                     "you mean 'data.mixture.recovery.samples'?)");
  expect_one_message(with_row("a: {stage2: [nothing]}"),
                     "table.yaml:11: rows.a.stage2: 'nothing' is no assignment");
  expect_one_message(with_row("a: {stage3: []}"), "rows.a.stage3: unknown key");
  expect_one_message(with_row("full: {paper: none}"), "rows.full: is given twice");
  expect_one_message(with_row("a: {paper: no codec}"),
                     "table.yaml:11: rows.a.paper: must be none | MENTOR | ");
  expect_one_message(with_row("a: {paper: MENTOR}"), "2 of them have 'paper: MENTOR'");
  expect_one_message(with_row("cases: {paper: none}"), "rows.cases: is the folder");
  expect_one_message(with_row("a: {budget: removed, stage2: [data.mixture.recovery.samples=-1]}"),
                     "data.mixture.recovery.samples: is needed for an ablation");
  expect_one_message(
      with_row("a: {stage2: [data.mixture.recovery.samples=0, data.mixture.subject.samples=0, "
               "data.mixture.segmentation.samples=0]}"),
      "train.steps: an ablation needs their number, and samples");
  expect_one_message(run_program({MENTOR_BINARY, "toy", "ablate", path("none.yaml")}), "none.yaml");
  make_parts();
  write_text(dir_ / "table.yaml", kTable);
  expect_one_message(ablate({"--out", "/proc/table"}), "/proc/table");
}

}  // namespace
}  // namespace mentor
