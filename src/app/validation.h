#pragma once

#include "mentor/app/data_sources.h"
#include "mentor/dist/communicator.h"
#include "mentor/train/trainer.h"

#include <optional>

namespace mentor {

/// Losses on data.validation, shared out over the ranks: no dropout, no dropped conditions, always
/// the same samples.
class Validation {
 public:
  Validation(const RunConfig& config, Mixture mixture, const TrainPlan& plan, ModelSet& models,
             Communicator& communicator);

  [[nodiscard]] ValidationMetrics run(int64_t step);

 private:
  const RunConfig& config_;
  const TrainPlan& plan_;
  ModelSet& models_;
  Communicator& communicator_;
  std::vector<MixtureShare> shares_;
  std::vector<std::string> tasks_;
  ExampleMaker make_;
};

}  // namespace mentor
