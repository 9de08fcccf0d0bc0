#pragma once

#include "mentor/app/run_config.h"
#include "mentor/app/runtime.h"
#include "mentor/data/batch.h"
#include "mentor/dist/communicator.h"
#include "mentor/models/model_set.h"
#include "mentor/train/parameter_buckets.h"
#include "mentor/train/trainable.h"
#include "train_target.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// What a batch of this model is made of.
[[nodiscard]] BatchShape batch_shape(const ModelConfig& model);

/// The file of a checkpoint that is continued, or what train.init_from means; empty without
/// either. ConfigError for an init_from that is nothing.
[[nodiscard]] std::filesystem::path starting_weights(
    const RunConfig& config, const std::optional<std::filesystem::path>& checkpoint);

/// The files that a run's weights come from: starting_weights() in place of weights.model.
[[nodiscard]] WeightsConfig training_weights(
    const RunConfig& config, const std::optional<std::filesystem::path>& checkpoint);

/// What a run keeps in memory.
struct MemoryNeed {
  double parameters = 0, trained = 0;  // numbers
  double sample_bytes = 0;             // of a sample's activations in bf16
};

/// Throws ConfigError, with the arithmetic, when the run cannot fit into this rank's memory;
/// returns the estimate for people to read. `memory_bytes` of a rank: without it, this machine's.
[[nodiscard]] std::string estimate_memory(const TrainContext& context, const MemoryNeed& need,
                                          std::optional<double> memory_bytes = {});
/// The same for MENTOR's models.
[[nodiscard]] std::string estimate_memory(const TrainContext& context, const ModelSet& models,
                                          const std::vector<TrainedParameter>& trained,
                                          std::optional<double> memory_bytes = {});

/// Buckets as the configuration wants them; the parameters become views of them.
[[nodiscard]] std::unique_ptr<ParameterBuckets> make_buckets(
    const std::vector<TrainedParameter>& trained, const RunConfig& config, const Runtime& runtime,
    Communicator& communicator);

/// Moves the trained parameters into buckets, and all else of the models to the device in the
/// precision of the run.
[[nodiscard]] std::unique_ptr<ParameterBuckets> train_with(
    ModelSet& models, const std::vector<TrainedParameter>& trained, const RunConfig& config,
    const Runtime& runtime, Communicator& communicator);

}  // namespace mentor
