#include "train_resume.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/train/checkpoint.h"

#include <vector>

namespace mentor {
namespace {

/// Whether the weights of another value have no place here, or mean another thing.
bool changes_model(const std::string& path, Trained what) {
  if (what == Trained::kCodec) {
    const bool of_loss = path.ends_with("commit_beta") || path.ends_with("entropy_ratio");
    return path.starts_with("model.codec.") && !of_loss;
  }
  return path.starts_with("model.") && path.find("dropout") == std::string::npos;
}

void compare_with_checkpoint(const fs::path& checkpoint, const TrainOptions& options) {
  const LoadedRunConfig before = load_run_config(checkpoint / "config.yaml");
  std::string refused;
  for (const ValueChange& change : changed_values(before.config, options.run.config)) {
    if (change.is_path) continue;
    const std::string words =
        format("{}: {} in the checkpoint, {} now", change.path, change.before, change.now);
    if (changes_model(change.path, options.what)) {
      refused += (refused.empty() ? "" : "; ") + words;
    } else {
      log::warn("resuming with a changed option: {}", words);
    }
  }
  if (refused.empty()) return;
  throw ConfigError(
      format("{}: is a checkpoint of another model (take its values, or begin anew "
             "with another train.out; --resume none puts these checkpoints aside): {}",
             checkpoint, refused));
}

}  // namespace

std::optional<ResumePoint> find_resume_point(const TrainOptions& options) {
  if (options.resume == "none") return std::nullopt;
  const bool automatic = options.resume == "auto";
  const fs::path place = automatic ? options.run.config.train.out : fs::path(options.resume);
  const std::optional<fs::path> checkpoint = find_checkpoint(place);
  if (!checkpoint && !automatic) {
    throw ConfigError(
        format("--resume: {} is no checkpoint and holds none (a checkpoint is a "
               "folder such as runs/stage1/checkpoints/step_00002000)",
               place));
  }
  if (!checkpoint) return std::nullopt;
  ResumePoint point{.checkpoint = *checkpoint, .state = read_train_state(*checkpoint)};
  compare_with_checkpoint(*checkpoint, options);
  return point;
}

void put_aside_later_checkpoints(const fs::path& folder, int64_t step) {
  std::error_code error;
  std::vector<fs::path> unfinished;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step_") && name.ends_with(".tmp")) unfinished.push_back(entry.path());
  }
  for (const fs::path& path : unfinished) fs::remove_all(path, error);
  for (const fs::path& checkpoint : list_checkpoints(folder)) {
    if (checkpoint_step(checkpoint) <= step) continue;
    const fs::path aside = folder / ("superseded_" + checkpoint.filename().string());
    fs::remove_all(aside, error);
    fs::rename(checkpoint, aside, error);
    log::warn("{} is of a later step than the one continued: it is now {}", checkpoint,
              aside.filename());
  }
}

std::string checkpoint_config(const LoadedRunConfig& run, const TrainTarget& target) {
  RunConfig config = run.config;
  const FieldTable table = fields_of(config);
  for (const Field& field : table.fields()) {
    if (const auto* path = std::get_if<fs::path*>(&field.target); path && !(*path)->empty()) {
      **path = fs::absolute(**path);
    }
  }
  target.name_checkpoint(config.weights);
  return dump_config(config, run.origins);
}

}  // namespace mentor
