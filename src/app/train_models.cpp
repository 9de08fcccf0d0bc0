#include "train_models.h"

#include "mentor/app/build.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/dtype.h"
#include "mentor/tensor/memory.h"
#include "mentor/train/checkpoint.h"

#include <ATen/ATen.h>

#include <set>

namespace mentor {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

/// Bytes that one sample's forward pass keeps for its backward pass, per block, token and unit of
/// width: measured on eager blocks in bf16 with an fp32 residual stream (training.md section 8.3).
constexpr double kDecoderBytes = 85, kT5Bytes = 123;

double activation_bytes(const RunConfig& config) {
  const ModelConfig& model = config.model;
  const auto tokens = static_cast<double>(model.decoder.cond_len + model.decoder.image_len());
  const auto prompt = static_cast<double>(model.decoder.cond_len);
  double blocks =
      static_cast<double>(model.decoder.num_layers * model.decoder.dim) * tokens * kDecoderBytes;
  double text = static_cast<double>(model.t5.num_layers * model.t5.d_model) * prompt * kT5Bytes;
  if (config.train.activation_checkpointing) {
    // Each block keeps its input; one block at a time is there in full.
    blocks = blocks / static_cast<double>(model.decoder.num_layers) +
             static_cast<double>(model.decoder.num_layers * model.decoder.dim) * tokens * 4;
    text = text / static_cast<double>(model.t5.num_layers) +
           static_cast<double>(model.t5.num_layers * model.t5.d_model) * prompt * 4;
  }
  const double logits =
      static_cast<double>(model.decoder.image_len() * model.decoder.vocab_size) * 6;
  return blocks + text + logits;
}

}  // namespace

BatchShape batch_shape(const ModelConfig& model) {
  return {.clip_size = model.clip.image_size,
          .image_size = model.image_size,
          .image_tokens = model.decoder.image_len(),
          .pad_id = model.prompt.pad_token_id};
}

void TrainTarget::name_checkpoint(WeightsConfig& weights) const {
  weights.model = "model.safetensors";
  weights.decoder = weights.t5 = weights.clip = weights.projector = "";
}

fs::path starting_weights(const RunConfig& config, const std::optional<fs::path>& checkpoint) {
  if (checkpoint) return *checkpoint / "model.safetensors";
  const fs::path& start = config.train.init_from;
  if (start.empty()) return start;
  if (const auto found = find_checkpoint(start)) return *found / "model.safetensors";
  if (fs::exists(start)) return start;
  throw ConfigError(
      format("train.init_from: {} does not exist (name a run's folder, a "
             "checkpoint, or a file of weights)",
             start));
}

WeightsConfig training_weights(const RunConfig& config, const std::optional<fs::path>& checkpoint) {
  WeightsConfig weights = config.weights;
  if (const fs::path start = starting_weights(config, checkpoint); !start.empty()) {
    weights.model = start;
    weights.decoder = "";
  }
  return find_weight_files(std::move(weights));
}

std::string estimate_memory(const TrainContext& context, const ModelSet& models,
                            const std::vector<TrainedParameter>& trained,
                            std::optional<double> memory_bytes) {
  MemoryNeed need{.sample_bytes = activation_bytes(context.config())};
  for (const auto& [name, tensor] : named_tensors(models)) {
    need.parameters += static_cast<double>(tensor.numel());
  }
  for (const TrainedParameter& parameter : trained) {
    need.trained += static_cast<double>(parameter.tensor.numel());
  }
  return estimate_memory(context, need, memory_bytes);
}

std::string estimate_memory(const TrainContext& context, const MemoryNeed& need,
                            std::optional<double> given_bytes) {
  const RunConfig& config = context.config();
  const Runtime& runtime = context.runtime;
  const ProcessEnvironment& environment = context.environment;
  const double memory_bytes = given_bytes.value_or(
      total_memory(runtime.device) /
      (runtime.device.is_cpu() ? static_cast<double>(environment.local_world_size) : 1.0));
  const double weight_size = runtime.dtype == at::kFloat ? 4 : 2;
  const double gradient_size = config.precision.gradients == "fp32" ? 4 : 2;
  const double shards =
      config.optimizer.sharding == "zero1" ? static_cast<double>(environment.world_size) : 1.0;
  const double state_size = 8 + (weight_size < 4 ? 4 : 0) + (config.train.ema_decay > 0 ? 4 : 0);
  const double weights = need.parameters * weight_size, gradients = need.trained * gradient_size;
  const double state = need.trained * state_size / shards;
  const double activations =
      need.sample_bytes * static_cast<double>(config.train.micro_batch) * weight_size / 2;
  const double total = weights + gradients + state + activations;
  std::string text = format(
      "memory of a rank, estimated: weights {:.1f} + gradients {:.1f} + optimizer {:.1f} + "
      "activations {:.1f} ({} samples) = {:.1f} GiB of {:.1f} GiB",
      weights / kGiB, gradients / kGiB, state / kGiB, activations / kGiB, config.train.micro_batch,
      total / kGiB, memory_bytes / kGiB);
  if (memory_bytes > 0 && total > memory_bytes) {
    throw ConfigError(text +
                      ": this cannot fit. Lower train.micro_batch (with the same global_batch and "
                      "without dropout only the speed changes), set "
                      "train.activation_checkpointing, use more ranks with "
                      "optimizer.sharding zero1, or runtime.dtype bf16");
  }
  return text;
}

std::unique_ptr<ParameterBuckets> make_buckets(const std::vector<TrainedParameter>& trained,
                                               const RunConfig& config, const Runtime& runtime,
                                               Communicator& communicator) {
  return std::make_unique<ParameterBuckets>(
      trained,
      ParameterBuckets::Options{.compute = runtime.dtype,
                                .gradients = parse_dtype(config.precision.gradients),
                                .device = runtime.device,
                                .sharded = config.optimizer.sharding == "zero1",
                                .bucket_bytes = config.optimizer.bucket_mib << 20},
      communicator);
}

std::unique_ptr<ParameterBuckets> train_with(ModelSet& models,
                                             const std::vector<TrainedParameter>& trained,
                                             const RunConfig& config, const Runtime& runtime,
                                             Communicator& communicator) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : named_tensors(models)) {
    at::Tensor(tensor).set_requires_grad(false);
  }
  auto buckets = make_buckets(trained, config, runtime, communicator);
  std::set<const void*> placed;
  for (const auto& bucket : buckets->buckets()) {
    for (const auto& slot : bucket.slots) placed.insert(slot.parameter.unsafeGetTensorImpl());
  }
  const at::ScalarType codec = parse_dtype(config.precision.codec);
  for (const auto& [name, tensor] : named_tensors(models)) {
    if (!placed.insert(tensor.unsafeGetTensorImpl()).second) continue;
    const at::ScalarType floating = part_of(name) == Part::kCodec ? codec : runtime.dtype;
    const at::ScalarType kind = tensor.scalar_type();
    at::Tensor registered = tensor;
    assign(registered, tensor.to(runtime.device, at::isFloatingType(kind) ? floating : kind));
  }
  models.decoder->train();
  models.encoder->train();
  models.decoder->set_activation_checkpointing(config.train.activation_checkpointing);
  T5Encoder text_encoder = models.encoder->language_model();
  text_encoder->set_activation_checkpointing(config.train.activation_checkpointing);
  if (models.codec) {
    models.codec->eval();
    to_inference_layout(models.codec);
  }
  return buckets;
}

}  // namespace mentor
