#pragma once

#include "mentor/data/batch.h"
#include "mentor/models/initialization.h"
#include "mentor/models/model_set.h"
#include "mentor/nn/parameters.h"
#include "mentor/nn/state.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/train/code_prediction.h"
#include "mentor/train/trainable.h"
#include "mentor/train/trainer.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace mentor {

/// Smaller than the tiny preset: a training step takes milliseconds.
inline ModelConfig miniature_config() {
  ModelConfig config = model_preset("tiny");
  config.clip.num_layers = 2;
  config.t5.d_model = config.decoder.cond_dim = 32;
  config.t5.d_ff = 48;
  config.t5.dropout = 0;
  config.decoder.dim = 32;
  config.decoder.num_layers = 2;
  config.decoder.multiple_of = 16;
  config.decoder.vocab_size = config.codec.codebook_size = 64;
  config.decoder.token_dropout = config.decoder.residual_dropout = config.decoder.ffn_dropout = 0;
  return config;
}

/// Encoder and decoder with initial weights and an output layer that is not zero.
inline ModelSet miniature_models(const ModelConfig& config, uint64_t seed = 1) {
  ModelSet models = build_models(config, {.codec = false});
  const at::NoGradGuard no_grad;
  materialize(*models.decoder, at::kFloat);
  materialize(*models.encoder, at::kFloat);
  for (const auto& [name, tensor] : named_tensors(models)) {
    at::Tensor(tensor).copy_(initial_value(config, name, tensor.sizes(), seed));
  }
  const at::Tensor output = named_tensors(models).at("output.weight");
  output.copy_(initial_value(config, "tok_embeddings.weight", output.sizes(), seed + 1));
  models.decoder->train();
  models.encoder->train();
  return models;
}

/// A sample as a pure function of its index: some with a picture, some dropped, codes known.
inline Example made_example(const ModelConfig& config, int64_t epoch, int64_t record) {
  std::mt19937_64 random(static_cast<uint64_t>(record) * 7919 + 13);
  Example example;
  example.index = {0, record};
  example.task = static_cast<Task>(record % 3);
  const int64_t text = 3 + static_cast<int64_t>(random() % 9);
  if (record % 2 == 1) {
    example.num_pictures = 1;
    example.ids.assign(config.prompt.placeholders_per_image, config.prompt.image_token_id);
  }
  for (int64_t i = 0; i < text; ++i) example.ids.push_back(5 + random() % 900);
  example.ids.push_back(config.prompt.eos_token_id);
  example.condition_dropped = (record + epoch) % 5 == 0;
  if (example.num_pictures > 0 && !example.condition_dropped) {
    const int64_t side = config.clip.image_size;
    for (int64_t i = 0; i < 3 * side * side; ++i) {
      example.pixels_NCHW.push_back(static_cast<float>(random() % 1000) / 500.0f - 1.0f);
    }
  }
  for (int64_t i = 0; i < config.decoder.image_len(); ++i) {
    example.codes.push_back(static_cast<uint16_t>((record + i) % config.codec.codebook_size));
  }
  return example;
}

inline BatchShape miniature_shape(const ModelConfig& config) {
  return {.clip_size = config.clip.image_size,
          .image_size = config.image_size,
          .image_tokens = config.decoder.image_len(),
          .pad_id = config.prompt.pad_token_id};
}

struct MiniatureOptions {
  ModelConfig model = miniature_config();
  TrainConfig train = {.global_batch = 8, .micro_batch = 8, .log_every = 1, .validate_every = 0};
  OptimizerConfig optimizer = {.lr = 1e-2, .bucket_mib = 1};
  ScheduleConfig schedule;
  CheckpointConfig checkpoint = {.background = false};
  int64_t checkpoint_every = 0;
  at::ScalarType compute = at::kFloat;
  int64_t records = 40;
  double bad_record_limit = 1;
  std::function<std::optional<ValidationMetrics>(int64_t step)> validate;
  std::function<Example(const ModelConfig&, int64_t epoch, int64_t record)> make = made_example;
};

/// Everything a trainer needs, in one process, on made samples.
class MiniatureRun {
 public:
  MiniatureRun(const MiniatureOptions& options, const fs::path& folder,
               std::unique_ptr<Communicator> communicator = solo_communicator(),
               const std::optional<fs::path>& resume = std::nullopt)
      : communicator_(std::move(communicator)), models_(miniature_models(options.model)) {
    TrainState state;
    if (resume) {
      state = read_train_state(*resume);
      read_weights(*resume);
    }
    trained_ = choose_trained(models_, options.train, options.optimizer, {}, Stage::kInstruction);
    buckets_ = std::make_unique<ParameterBuckets>(
        trained_,
        ParameterBuckets::Options{.compute = options.compute,
                                  .sharded = options.optimizer.sharding == "zero1",
                                  .bucket_bytes = 16 << 10},
        *communicator_);
    optimizer_ = std::make_unique<AdamW>(*buckets_, options.optimizer, options.train.ema_decay,
                                         *communicator_);
    if (options.compute != at::kFloat) {
      for (const auto& [name, tensor] : named_tensors(models_)) {
        if (!tensor.requires_grad()) {
          at::Tensor registered = tensor;
          assign(registered, tensor.to(options.compute));
        }
      }
    }
    make_loader(options, LoaderPosition{state.epoch, state.sample});
    writer_ = std::make_unique<CheckpointWriter>(folder / "checkpoints", options.checkpoint, 30,
                                                 *communicator_);
    if (communicator_->rank() == 0) log_ = std::make_unique<RunLog>(folder, state.step);
    TrainPlan plan{.train = options.train,
                   .optimizer = options.optimizer,
                   .schedule = options.schedule,
                   .checkpoint_every = options.checkpoint_every,
                   .bad_record_limit = options.bad_record_limit,
                   .epoch_samples = options.records};
    CodePrediction::Options objective{.shape = miniature_shape(options.model),
                                      .micro_batch = options.train.micro_batch,
                                      .token_budget = options.train.token_budget};
    for (const TrainedParameter& parameter : trained_) objective.trained.insert(parameter.name);
    objective_ = std::make_unique<CodePrediction>(models_, std::move(objective));
    plan_steps(plan, loader_->batches_per_epoch(), communicator_->world_size());
    trainer_ = std::make_unique<Trainer>(plan, TrainParts{.objective = *objective_,
                                                          .buckets = *buckets_,
                                                          .optimizer = *optimizer_,
                                                          .loader = *loader_,
                                                          .communicator = *communicator_,
                                                          .control = *communicator_,
                                                          .checkpoints = *writer_,
                                                          .log = log_.get(),
                                                          .validate = options.validate});
    if (resume) trainer_->resume(*resume);
  }

  Trainer& trainer() { return *trainer_; }
  Loader& loader() { return *loader_; }
  RunLog& log() { return *log_; }
  AdamW& optimizer() { return *optimizer_; }

  /// The trained weights, copied.
  [[nodiscard]] StateDict weights() const {
    StateDict copy;
    for (const auto& [name, tensor] : named_tensors(models_))
      copy.set(name, tensor.detach().clone());
    return copy;
  }

 private:
  void make_loader(const MiniatureOptions& options, LoaderPosition start) {
    loader_ = std::make_unique<Loader>(
        Sampler({.shares = {{options.records, options.records}},
                 .seed = 3,
                 .rank = communicator_->rank(),
                 .world_size = communicator_->world_size()}),
        [model = options.model, make = options.make](int64_t epoch, SampleIndex index) {
          return make(model, epoch, index.record);
        },
        LoaderOptions{.threads = 2,
                      .batch = options.train.global_batch / communicator_->world_size(),
                      .bad_record_limit = 1},
        start);
  }
  void read_weights(const fs::path& checkpoint) {
    const StateDict weights = read_safetensors(checkpoint / "model.safetensors");
    const at::NoGradGuard no_grad;
    for (const auto& [name, tensor] : named_tensors(models_)) {
      if (weights.contains(name)) at::Tensor(tensor).copy_(weights.at(name));
    }
  }

  std::unique_ptr<Communicator> communicator_;
  ModelSet models_;
  std::vector<TrainedParameter> trained_;
  std::unique_ptr<ParameterBuckets> buckets_;
  std::unique_ptr<AdamW> optimizer_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<CheckpointWriter> writer_;
  std::unique_ptr<RunLog> log_;
  std::unique_ptr<Trainer> trainer_;
};

/// Largest difference of two sets of weights, element by element.
inline double largest_difference(const StateDict& a, const StateDict& b) {
  double largest = 0;
  for (const auto& [name, tensor] : a) {
    largest = std::max(
        largest, (tensor.to(at::kDouble) - b.at(name).to(at::kDouble)).abs().max().item<double>());
  }
  return largest;
}

}  // namespace mentor
