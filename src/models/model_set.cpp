#include "mentor/models/model_set.h"

#include "mentor/nn/state.h"

#include <ATen/ATen.h>

namespace mentor {

std::vector<Part> ModelSet::parts() const {
  std::vector<Part> parts;
  if (decoder) parts.push_back(Part::kDecoder);
  if (encoder) {
    parts.push_back(Part::kT5);
    if (config.vision) {
      parts.push_back(Part::kClip);
      parts.push_back(Part::kProjector);
    }
  }
  if (codec) parts.push_back(Part::kCodec);
  return parts;
}

ModelSet build_models(const ModelConfig& config, const ModelChoice& choice) {
  ModelSet models{.config = config};
  if (choice.encoder && !config.decoder.class_conditional()) {
    models.encoder = MultimodalEncoder(config);
  }
  if (choice.decoder) models.decoder = LlamaGen(config.decoder);
  if (choice.codec) models.codec = Vqgan(config.codec);
  return models;
}

StateDict named_tensors(const ModelSet& models) {
  StateDict named;
  const auto add = [&](const torch::nn::Module& module, std::string_view prefix) {
    for (const auto& [key, tensor] : state_dict(module)) {
      named.set(std::string(prefix) + key, tensor);
    }
  };
  if (models.decoder) add(*models.decoder, "");
  if (models.encoder) add(*models.encoder, kEncoderPrefix);
  if (models.codec) add(*models.codec, kCodecPrefix);
  return named;
}

}  // namespace mentor
