#pragma once

#include "mentor/data/record.h"
#include "mentor/models/model_set.h"
#include "mentor/train/parameter_buckets.h"
#include "mentor/train/train_config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// Which parameters a run trains, by name patterns: `*` stands for any characters, a pattern that
/// begins with ! takes away what those before it gave. Presets: training.md section 3.
[[nodiscard]] std::vector<std::string> trainable_patterns(const TrainConfig& config, Stage stage);

/// Whether weight decay takes hold of a parameter: `rule` is optimizer.decay_rule.
[[nodiscard]] bool decays(const std::string& rule, const std::string& name,
                          const at::Tensor& tensor);

/// The parameters that the patterns choose, aliases once, in registration order: decoder, T5,
/// projector. ConfigError for a pattern that fits no parameter (with the nearest name) and for
/// parameters that cannot be trained: those of the vision tower and the codec.
[[nodiscard]] std::vector<TrainedParameter> choose_trained(const ModelSet& models,
                                                           const TrainConfig& train,
                                                           const OptimizerConfig& optimizer,
                                                           const PrecisionConfig& precision,
                                                           Stage stage);

/// One row of the table that a run begins with.
struct ModuleRow {
  std::string name;
  int64_t parameters = 0, trained = 0;
  std::string dtype;  // "bf16", of training "bf16, master fp32"
};
[[nodiscard]] std::vector<ModuleRow> module_rows(const ModelSet& models,
                                                 const std::vector<TrainedParameter>& trained);

}  // namespace mentor
