#pragma once

#include "mentor/app/run_config.h"

#include <string>

namespace mentor {

// What `mentor train` does.

/// What a run trains.
enum class Trained { kModel, kVision, kCodec };

struct TrainOptions {
  Trained what = Trained::kModel;
  LoadedRunConfig run;
  std::string resume = "auto";    // auto: the newest checkpoint of train.out; none; or a path
  std::string version, revision;  // of the program, for checkpoints and the report
};

/// Trains as this process's rank of the run (RANK, ... of the environment). Returns the exit code:
/// done, or interrupted after saving. Throws a UserError for everything that a user can put right,
/// found before the first step as far as it can be.
int train_model(const TrainOptions& options);

}  // namespace mentor
