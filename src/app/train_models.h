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

/// The files that a run's weights come from: a checkpoint's to continue it, those of
/// train.init_from to start, else `weights`. ConfigError for an init_from that is nothing.
[[nodiscard]] WeightsConfig training_weights(
    const RunConfig& config, const std::optional<std::filesystem::path>& checkpoint);

/// Throws ConfigError, with the arithmetic, when the run cannot fit into this rank's memory;
/// returns the estimate for people to read.
[[nodiscard]] std::string estimate_memory(const TrainContext& context, const ModelSet& models,
                                          const std::vector<TrainedParameter>& trained);

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
