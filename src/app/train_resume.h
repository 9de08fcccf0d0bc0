#pragma once

#include "mentor/app/train.h"
#include "mentor/core/filesystem.h"
#include "mentor/train/train_state.h"
#include "train_target.h"

#include <optional>

namespace mentor {

/// Where a run continues.
struct ResumePoint {
  fs::path checkpoint;
  TrainState state;
};

/// The checkpoint that --resume means; nothing for a run that begins. ConfigError when a path names
/// none, and for one of another model, with the keys that differ. Changed run options are accepted
/// and logged.
[[nodiscard]] std::optional<ResumePoint> find_resume_point(const TrainOptions& options);

/// Checkpoints of train.out that come after the one that is continued get names that nobody takes
/// for checkpoints; what a killed run left half-written is removed. Rank 0 does this.
void put_aside_later_checkpoints(const fs::path& folder, int64_t step);

/// The configuration as a checkpoint keeps it: every value, paths that hold wherever it is read
/// from, and the checkpoint's own weights, so that `mentor generate` or `codec` takes it as it is.
[[nodiscard]] std::string checkpoint_config(const LoadedRunConfig& run, const TrainTarget& target);

}  // namespace mentor
