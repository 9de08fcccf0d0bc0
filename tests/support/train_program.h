#pragma once

#include "support/drawn_photos.h"
#include "support/metrics_lines.h"
#include "support/one_message.h"
#include "support/processes.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mentor {

/// One command `mentor train`.
struct TrainCall {
  std::string config = "stage1.yaml";
  std::string out = "run";             // train.out, in the test's folder
  int ranks = 0;                       // of `mentor launch`; 0: without it
  std::vector<std::string> set = {};   // KEY=VALUE
  std::vector<std::string> more = {};  // other words
  std::string limits = "";             // a shell's command before it
  std::string part = "";               // codec or vision; "": MENTOR's own training
};

/// A call with more --set.
inline TrainCall with(TrainCall call, const std::vector<std::string>& set) {
  call.set.insert(call.set.end(), set.begin(), set.end());
  return call;
}

inline const std::vector<std::string> kNoDropout = {
    "model.t5.dropout=0", "model.decoder.token_dropout=0", "model.decoder.residual_dropout=0",
    "model.decoder.ffn_dropout=0"};

/// `mentor train` as a user runs it: the tiny preset on photos that the test draws, in a folder of
/// its own with weights/, records, stage1.yaml and stage2.yaml.
class TrainProgram : public ::testing::Test {
 protected:
  TrainProgram() {
    const ProgramResult init = run_program(
        {MENTOR_BINARY, "weights", "init", "--out", path("weights"), "--log-level", "error"});
    EXPECT_EQ(init.exit_code, 0) << init.err;
    write_text(path("stage1.yaml"), kStage1);
    write_text(path("stage2.yaml"), kStage2);
    write_text(path("vision.yaml"), kVision);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }
  [[nodiscard]] fs::path checkpoint(const std::string& out, int64_t step) const {
    char name[32];
    std::snprintf(name, sizeof name, "step_%08lld", static_cast<long long>(step));
    return dir_ / out / "checkpoints" / name;
  }

  [[nodiscard]] std::vector<std::string> words(const TrainCall& call) const {
    std::vector<std::string> words = {MENTOR_BINARY};
    if (!call.limits.empty()) {
      words = {"/bin/sh", "-c", call.limits + "; exec \"$0\" \"$@\"", MENTOR_BINARY};
    }
    if (call.ranks > 0) {
      words.insert(words.end(), {"launch", "--nproc", std::to_string(call.ranks), "--"});
    }
    words.push_back("train");
    if (!call.part.empty()) words.push_back(call.part);
    words.insert(words.end(), {path(call.config), "--out", path(call.out)});
    for (const std::string& entry : call.set) words.insert(words.end(), {"--set", entry});
    words.insert(words.end(), call.more.begin(), call.more.end());
    return words;
  }
  [[nodiscard]] ProgramResult run(const TrainCall& call) const { return run_program(words(call)); }
  /// A run that must succeed.
  void train(const TrainCall& call) const {
    const ProgramResult result = run(call);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  /// kill -9 of a run as soon as it has saved `step`. What it may have saved since is taken away,
  /// so that the next run goes on from there.
  void kill_after(const TrainCall& call, int64_t step) const {
    StartedProgram program(words(call));
    ASSERT_TRUE(comes_true([&] { return fs::exists(checkpoint(call.out, step) / "state.yaml"); }))
        << program.err();
    kill_at_once(program);
    for (const int64_t later : steps(call.out)) {
      if (later > step) fs::remove_all(checkpoint(call.out, later));
    }
  }

  /// Of the whole checkpoints, in order.
  [[nodiscard]] std::set<int64_t> steps(const std::string& out) const {
    std::set<int64_t> found;
    std::error_code none_yet;
    for (const auto& entry : fs::directory_iterator(dir_ / out / "checkpoints", none_yet)) {
      const std::string name = entry.path().filename().string();
      static const std::regex whole("step_[0-9]{8}");
      if (std::regex_match(name, whole) && fs::exists(entry.path() / "state.yaml")) {
        found.insert(std::stoll(name.substr(5)));
      }
    }
    return found;
  }

  /// Weights and moments of two checkpoints, bit for bit.
  static void expect_same_state(const fs::path& a, const fs::path& b) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(a)) {
      if (entry.path().extension() == ".safetensors") names.insert(entry.path().filename());
    }
    EXPECT_TRUE(names.contains("model.safetensors"));
    for (const std::string& name : names) expect_close(a / name, b / name, "0");
  }
  static void expect_close(const fs::path& a, const fs::path& b, const std::string& tolerance) {
    const ProgramResult result = run_program(
        {MENTOR_BINARY, "weights", "diff", a.string(), b.string(), "--tolerance", tolerance});
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  }

  /// The lines of a kind in a run's metrics.jsonl, so far.
  [[nodiscard]] std::vector<nlohmann::json> metrics(const std::string& out,
                                                    const std::string& kind = "train") const {
    std::vector<nlohmann::json> lines;
    std::ifstream in(dir_ / out / "metrics.jsonl");
    for (std::string line; std::getline(in, line) && !in.eof();) {
      nlohmann::json object = nlohmann::json::parse(line);
      if (object["kind"] == kind) lines.push_back(std::move(object));
    }
    return lines;
  }
  /// The value of a key in each line of figures.
  [[nodiscard]] std::vector<double> values(const std::string& out, const std::string& key) const {
    std::vector<double> values;
    for (const auto& line : metrics(out)) values.push_back(line.at(key));
    return values;
  }
  [[nodiscard]] std::vector<std::string> repeatable(const std::string& out) const {
    return repeatable_lines(dir_ / out / "metrics.jsonl");
  }

  static constexpr const char* kStage1 = R"(
model: {preset: tiny}
weights:
  model: weights/model.safetensors
  codec: weights/codec.safetensors
  tokenizer: weights/spiece.model
data:
  stage: alignment
  mixture:
    text_to_image: {file: records.jsonl, tasks: [text_to_image]}
    reconstruction: {file: records.jsonl, tasks: [reconstruction]}
    segmentation: {file: records.jsonl, tasks: [segmentation]}
train: {global_batch: 4, micro_batch: 4, log_every: 1, validate_every: 0, sample_every: 0}
optimizer: {lr: 2.0e-3}
schedule: {shape: constant, warmup_steps: 2}
distributed: {timeout_s: 60}
runtime: {dtype: fp32, threads: 1}
)";
  static constexpr const char* kStage2 = R"(
base: stage1.yaml
data:
  stage: instruction
  backgrounds: backgrounds.jsonl
  mixture:
    reconstruction: {samples: 0}
    recovery: {file: records.jsonl, tasks: [recovery]}
    subject: {file: records.jsonl, tasks: [subject]}
optimizer: {lr: 1.0e-3}
)";

  static constexpr const char* kVision = R"(
base: stage1.yaml
toy: {size: 64, records: 40}
data:
  validation_toy: true
  validation_samples: 8
  validation_tasks: [text_to_image]
  mixture:
    text_to_image: {samples: 0}
    reconstruction: {samples: 0}
    segmentation: {samples: 0}
    captions: {toy: train, tasks: [text_to_image]}
)";

  const TempDir dir_;
  const DrawnPhotos photos_{dir_.path()};
};

}  // namespace mentor
