#include "ablation_parts.h"

#include "mentor/core/content_hash.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/train/checkpoint_folder.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>
#include <vector>

namespace mentor {
namespace {

struct Part {
  const char* key;
  fs::path path;  // as configured; empty where a training starts from another one of the table
  bool is_trained = true;  // a tokenizer is not: it has no checkpoints

  [[nodiscard]] std::optional<fs::path> checkpoint() const {
    return is_trained ? find_checkpoint(path) : std::nullopt;
  }
};

std::vector<Part> parts_of(const PlannedTraining& training) {
  const RunConfig& config = training.run.config;
  return {{"train.init_from", training.after ? fs::path() : config.train.init_from},
          {"weights.codec", config.weights.codec},
          {"weights.tokenizer", config.weights.tokenizer, /*is_trained=*/false}};
}

/// The file that is read of a part; a folder that holds none as it is.
fs::path file_of(const Part& part) {
  if (const auto checkpoint = part.checkpoint()) return *checkpoint / "model.safetensors";
  std::vector<const char*> names = {"tokenizer.json", "spiece.model"};
  if (part.is_trained) {
    names = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
             "pytorch_model.bin.index.json"};
  }
  std::error_code ignored;
  for (const char* name : names) {
    if (fs::is_regular_file(part.path / name, ignored)) return part.path / name;
  }
  return part.path;
}

/// The steps that the run of a checkpoint was to take.
int64_t planned_steps(const fs::path& checkpoint, const TrainState& state) {
  const TrainConfig train = load_run_config(checkpoint / "config.yaml").config.train;
  if (train.steps > 0) return train.steps;
  const int64_t per_epoch = state.epoch_samples / std::max<int64_t>(1, state.global_batch);
  return std::llround(train.epochs * static_cast<double>(per_epoch));
}

/// Why rows cannot start from a part, and what to do about it; "" where they can. A checkpoint that
/// is named itself is meant, whatever its step.
std::string problem_of(const Part& part) {
  std::error_code ignored;
  if (!fs::exists(part.path, ignored)) {
    return format("there is no {}: all rows start from what scripts/quickstart.sh trains",
                  part.path);
  }
  if (fs::is_directory(file_of(part), ignored)) {
    return format("{} holds no {}", part.path,
                  part.is_trained ? "checkpoint: train it, or name a finished run or a file"
                                  : "tokenizer.json or spiece.model");
  }
  const auto checkpoint = part.checkpoint();
  if (!checkpoint || *checkpoint == part.path) return "";
  const TrainState state = read_train_state(*checkpoint);
  const int64_t steps = planned_steps(*checkpoint, state);
  if (state.step >= steps) return "";
  return format(
      "{} stands at step {} of {}: finish it ('mentor train' goes on where it was interrupted), or "
      "name {} to start from that",
      part.path, state.step, steps, *checkpoint);
}

}  // namespace

void require_parts(const AblationPlan& plan) {
  std::set<fs::path> sound;  // rows share them
  for (const PlannedTraining& training : plan.trainings) {
    for (const Part& part : parts_of(training)) {
      if (part.path.empty() || !sound.insert(part.path).second) continue;
      const std::string problem = problem_of(part);
      if (problem.empty()) continue;
      throw UserError(format("{}{}: {}", training.run.origins.where(part.key), part.key, problem));
    }
  }
}

void keep_parts(const AblationPlan& plan) {
  const fs::path file = plan.out / "parts.txt";
  std::map<std::string, std::string> before, now;  // hashes by path
  if (fs::exists(file)) {
    std::istringstream lines(read_text(file));
    for (std::string hash, path; lines >> hash && std::getline(lines >> std::ws, path);) {
      before[path] = hash;
    }
  }
  for (const PlannedTraining& training : plan.trainings) {
    for (const Part& part : parts_of(training)) {
      const std::string path = part.path.string();
      if (!path.empty() && !now.contains(path)) now[path] = hash_file(file_of(part)).string();
    }
  }
  std::string text;
  for (const auto& [path, hash] : now) {
    if (before.contains(path) && before.at(path) != hash) {
      throw UserError(
          format("{}: was trained anew since {} began: choose another --out, or delete {} to begin "
                 "anew",
                 path, plan.out, plan.out));
    }
    text += format("{}  {}\n", hash, path);
  }
  write_text(file, text);
}

}  // namespace mentor
