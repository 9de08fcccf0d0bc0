#include "mentor/app/weights_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/progress.h"
#include "mentor/models/initialization.h"
#include "mentor/models/model_set.h"
#include "mentor/nn/state.h"
#include "mentor/tensor/dtype.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/text/tokenizer_training.h"
#include "mentor/toy/captions.h"

#include <algorithm>
#include <unordered_set>

namespace mentor {
namespace {

constexpr const char* kModelFile = "model.safetensors";
constexpr const char* kCodecFile = "codec.safetensors";
constexpr const char* kTokenizerFile = "spiece.model";
constexpr const char* kConfigFile = "config.yaml";
constexpr int64_t kMostPieces = 1000;
constexpr int64_t kT5ExtraIds = 100;

const SafetensorsMetadata kMetadata = {{"format", "pt"}};

void refuse_to_overwrite(const fs::path& folder) {
  for (const char* name : {kModelFile, kCodecFile, kTokenizerFile, kConfigFile}) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) {
      throw UserError(
          format("{}: exists already: choose another --out, or delete it first", folder / name));
    }
  }
}

/// Specs of the encoder and the decoder; a tensor with two names is written once.
std::vector<TensorSpec> specs_of(const ModelSet& models, at::ScalarType dtype) {
  std::vector<TensorSpec> specs;
  std::unordered_set<const void*> seen;
  for (const auto& [name, tensor] : named_tensors(models)) {
    if (!seen.insert(tensor.unsafeGetTensorImpl()).second) continue;
    specs.push_back({name, dtype, tensor.sizes().vec()});
  }
  return specs;
}

void write_model(const ModelConfig& config, const WeightsInitOptions& options) {
  const at::ScalarType dtype = parse_dtype(options.dtype);
  const std::vector<TensorSpec> specs = specs_of(build_models(config, {.codec = false}), dtype);
  Progress progress(
      {.what = "initialise", .unit = "tensors", .total = static_cast<int64_t>(specs.size())});
  const auto initialization = options.fan_in ? Initialization::kFanIn : Initialization::kPublished;
  const auto draw = [&](const TensorSpec& spec) {
    throw_if_interrupted();
    progress.advance();
    return initial_value(config, spec.key, spec.shape, options.seed, initialization).to(dtype);
  };
  write_safetensors(options.folder / kModelFile, specs, draw, kMetadata);
}

void write_codec(const ModelConfig& config, const WeightsInitOptions& options) {
  ModelSet models = build_models(config, {.encoder = false, .decoder = false});
  initialize(models.codec, options.seed);
  StateDict tensors;
  for (const auto& [key, tensor] : state_dict(*models.codec)) {
    tensors.set(key, tensor.detach().to(parse_dtype(options.dtype)));
  }
  save_safetensors(options.folder / kCodecFile, tensors, kMetadata);
}

void write_config(LoadedRunConfig run, const fs::path& folder) {
  run.config.weights = {.model = kModelFile, .codec = kCodecFile, .tokenizer = kTokenizerFile};
  for (const char* key : {"weights.model", "weights.codec", "weights.tokenizer"}) {
    run.origins.set(key, "weights init", /*written=*/true);
  }
  write_text(folder / kConfigFile, dump_config(run.config, run.origins));
}

}  // namespace

void init_weights(const WeightsInitOptions& options) {
  const ModelConfig& config = options.run.config.model;
  refuse_to_overwrite(options.folder);
  require_writable_directory(options.folder);
  // The placeholder's id comes after those of the pieces, with room for T5's extra ids.
  const int64_t image_id = config.prompt.image_token_id;
  const int64_t pieces = std::min(options.toy_words ? kToyPieces : kMostPieces, image_id);
  train_tokenizer(options.toy_words ? toy_sentences() : built_in_sentences(), pieces,
                  options.folder / kTokenizerFile, image_id - kT5ExtraIds);
  write_codec(config, options);
  write_model(config, options);
  write_config(options.run, options.folder);  // last: the folder is complete when it is there
  log::info("{}: initialised weights of '{}' ({}, seed {}); pictures are noise until trained",
            options.folder, config.preset, options.dtype, options.seed);
}

}  // namespace mentor
