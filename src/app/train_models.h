#pragma once

#include "mentor/app/run_config.h"
#include "mentor/app/runtime.h"
#include "mentor/data/batch.h"
#include "mentor/dist/communicator.h"
#include "mentor/models/model_set.h"
#include "mentor/train/optimizer.h"
#include "mentor/train/trainable.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// The models of a run with their trained parameters in the optimizer's memory.
struct TrainingModels {
  ModelSet models;
  std::vector<TrainedParameter> trained;
  std::unique_ptr<ParameterBuckets> buckets;
  std::unique_ptr<AdamW> optimizer;
};

/// What a batch of this model is made of.
[[nodiscard]] BatchShape batch_shape(const ModelConfig& model);

/// The files that a run's weights come from: a checkpoint's to continue it, those of
/// train.init_from to start, else `weights`. ConfigError for an init_from that is nothing.
[[nodiscard]] WeightsConfig training_weights(
    const RunConfig& config, const std::optional<std::filesystem::path>& checkpoint);

/// Throws ConfigError, with the arithmetic, when the run cannot fit into `memory_bytes`; returns
/// the estimate for people to read.
[[nodiscard]] std::string estimate_memory(const RunConfig& config, const ModelSet& models,
                                          const std::vector<TrainedParameter>& trained,
                                          const Runtime& runtime, int64_t world_size,
                                          double memory_bytes);

/// Moves the parameters that the configuration trains (training.trained, chosen here if empty) into
/// buckets, and the rest to the device in the precision of the run.
void train_with(TrainingModels& training, const RunConfig& config, const Runtime& runtime,
                Communicator& communicator, Stage stage);

/// Fills shape-only `models` from `weights`, in fp32, and train_with().
void load_training_models(TrainingModels& training, const RunConfig& config,
                          const WeightsConfig& weights, const Runtime& runtime,
                          Communicator& communicator);

}  // namespace mentor
