#pragma once

#include "mentor/app/data_sources.h"
#include "mentor/dist/communicator.h"
#include "mentor/models/model_set.h"
#include "mentor/train/loss.h"
#include "mentor/train/metrics.h"

#include <functional>
#include <string>
#include <vector>

namespace mentor {

/// Losses on data.validation, shared out over the ranks: no dropout, no dropped conditions, always
/// the same samples.
class Validation {
 public:
  /// `tasks`: those of the training data, which figures name always.
  Validation(const RunConfig& config, Mixture mixture, std::vector<std::string> tasks,
             const ComputeOptions& compute, ModelSet& models, Communicator& communicator);

  /// `done` is told of every micro-batch's samples.
  [[nodiscard]] ValidationMetrics run(int64_t step, const std::function<void(int64_t)>& done = {});

 private:
  const RunConfig& config_;
  ComputeOptions compute_;
  ModelSet& models_;
  Communicator& communicator_;
  std::vector<MixtureShare> shares_;
  std::vector<std::string> tasks_;
  ExampleMaker make_;
};

}  // namespace mentor
