#include "mentor/app/build.h"

#include "mentor/app/data_sources.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/models/pretrained.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/dtype.h"
#include "mentor/train/checkpoint_folder.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mentor {
namespace {

template <class Holder>
void prepare_for_inference(Holder& model) {
  if (model.is_empty()) return;
  model->eval();
  for (at::Tensor& parameter : model->parameters()) parameter.set_requires_grad(false);
}

void prepare_for_inference(ModelSet& models) {
  prepare_for_inference(models.encoder);
  prepare_for_inference(models.decoder);
  prepare_for_inference(models.codec);
  if (!models.codec.is_empty()) to_inference_layout(models.codec);
}

/// Repeats one block of random numbers: drawing them all would take longer than most benchmarks.
void fill_with(const at::Tensor& block, at::Tensor& parameter) {
  const at::Tensor flat = parameter.view(-1);
  for (int64_t i = 0; i < flat.numel(); i += block.numel()) {
    const int64_t length = std::min(block.numel(), flat.numel() - i);
    flat.narrow(0, i, length).copy_(block.narrow(0, 0, length));
  }
}

template <class Holder>
void fill_at_random(Holder& model, const Runtime& runtime) {
  if (model.is_empty()) return;
  materialize(*model, runtime.dtype, runtime.device);
  const at::NoGradGuard no_grad;
  constexpr int64_t kBlock = 1 << 20;
  const at::Tensor block = at::empty({kBlock}, runtime.device).uniform_(-0.035, 0.035);
  for (at::Tensor& parameter : model->parameters()) fill_with(block, parameter);
  for (at::Tensor& buffer : model->buffers()) buffer.zero_();
}

}  // namespace

Tokenizer load_tokenizer(const RunConfig& config) {
  if (config.model.decoder.class_conditional()) {
    throw ConfigError(
        "model.decoder.condition: is class: this decoder draws classes by number and takes no "
        "sentence");
  }
  require_weight_files(config.weights);
  return open_tokenizer(config);
}

void require_weight_files(const WeightsConfig& weights) {
  std::string problems;
  const auto check = [&](const char* key, const std::filesystem::path& path) {
    std::error_code ignored;
    if (path.empty() || std::filesystem::exists(path, ignored)) return;
    problems += format("{}weights.{}: {} does not exist", problems.empty() ? "" : "\n", key, path);
  };
  check("model", weights.model);
  check("decoder", weights.decoder);
  check("clip", weights.clip);
  check("t5", weights.t5);
  check("projector", weights.projector);
  check("codec", weights.codec);
  check("tokenizer", weights.tokenizer);
  if (!problems.empty()) {
    throw ConfigError(problems +
                      " (correct the path, or put the file there; 'mentor weights init "
                      "--out DIR' makes untrained weights and a configuration)");
  }
}

WeightsConfig find_weight_files(WeightsConfig weights) {
  for (fs::path* path : {&weights.model, &weights.codec}) {
    if (const auto checkpoint = find_checkpoint(*path)) *path = *checkpoint / "model.safetensors";
  }
  return weights;
}

PrepareOptions prepare_options(const RunConfig& config) {
  return {.decode = config.runtime.picture_decoding(),
          .squash_pictures = config.generate.condition_squash};
}

ModelSet load_models(const RunConfig& config, const Runtime& runtime, const ModelChoice& choice) {
  require_weight_files(config.weights);
  ModelSet models = build_models(config.model, choice);
  (void)load_pretrained(models, find_weight_files(config.weights),
                        {.dtype = runtime.dtype, .device = runtime.device});
  prepare_for_inference(models);
  return models;
}

Vqgan load_target_codec(const RunConfig& config, Runtime runtime) {
  runtime.dtype = parse_dtype(config.precision.codec);
  return load_models(config, runtime, {.encoder = false, .decoder = false, .codec = true}).codec;
}

ModelSet random_models(const RunConfig& config, const Runtime& runtime, const ModelChoice& choice) {
  ModelSet models = build_models(config.model, choice);
  fill_at_random(models.encoder, runtime);
  fill_at_random(models.decoder, runtime);
  fill_at_random(models.codec, runtime);
  prepare_for_inference(models);
  return models;
}

}  // namespace mentor
