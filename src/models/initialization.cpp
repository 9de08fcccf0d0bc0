#include "mentor/models/initialization.h"

#include "mentor/core/random.h"
#include "mentor/models/published_files.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <string_view>

namespace mentor {
namespace {

constexpr double kReferenceStd = 0.02;

double inverse_sqrt(int64_t x) { return 1 / std::sqrt(static_cast<double>(x)); }

/// Of HF T5PreTrainedModel: the scale of mesh-tensorflow, which makes up for attention without
/// 1/sqrt(d_kv).
double t5_std(const T5Config& config, std::string_view name) {
  if (name.ends_with("shared.weight") || name.ends_with("embed_tokens.weight")) return 1;
  if (name.ends_with(".q.weight")) return inverse_sqrt(config.d_model * config.d_kv);
  if (name.ends_with(".o.weight")) return inverse_sqrt(config.num_heads * config.d_kv);
  if (name.ends_with(".wo.weight")) return inverse_sqrt(config.d_ff);
  return inverse_sqrt(config.d_model);
}

/// Of HF CLIPPreTrainedModel: what adds to the residual stream shrinks with the depth.
double clip_std(const ClipConfig& config, std::string_view name) {
  const double width = inverse_sqrt(config.hidden_size);
  if (name.ends_with("class_embedding")) return width;
  if (name.find(".embeddings.") != name.npos) return kReferenceStd;
  if (name.ends_with("out_proj.weight")) return width;
  if (name.ends_with("fc1.weight")) return inverse_sqrt(2 * config.hidden_size);
  return width * inverse_sqrt(2 * config.num_layers);
}

double decoder_std(const LlamaGenConfig& config, std::string_view name) {
  if (name == "output.weight") return 0;
  if (name == "cls_embedding.uncond_embedding") return inverse_sqrt(config.cond_dim);
  return kReferenceStd;
}

double standard_deviation(const ModelConfig& config, std::string_view name) {
  switch (part_of(name)) {
    case Part::kT5:
      return t5_std(config.t5, name);
    case Part::kClip:
      return clip_std(config.clip, name);
    case Part::kProjector:
      return kReferenceStd;
    case Part::kDecoder:
      return decoder_std(config.decoder, name);
    case Part::kCodec:
      break;
  }
  TORCH_CHECK(false, "initial_value: ", name, " belongs to the codec");
}

/// What keeps activations near 1 from layer to layer; what adds to a residual stream shrinks with
/// the depth.
double fan_in_std(const ModelConfig& config, std::string_view name, at::IntArrayRef shape) {
  constexpr double kPositionStd = 0.3, kTokenStd = 0.5;
  const bool starts_elsewhere = name == "output.weight" || part_of(name) == Part::kT5 ||
                                name == "cls_embedding.uncond_embedding" ||
                                name.ends_with("class_embedding");
  if (starts_elsewhere) return standard_deviation(config, name);
  if (name.ends_with("position_embedding.weight")) return kPositionStd;
  if (name == "tok_embeddings.weight") return kTokenStd;
  const double std = inverse_sqrt(c10::multiply_integers(shape.slice(1)));
  if (name.ends_with("out_proj.weight") || name.ends_with("fc2.weight")) {
    return std * inverse_sqrt(2 * config.clip.num_layers);
  }
  const bool is_residual = name.ends_with(".wo.weight") || name.ends_with(".w2.weight");
  return is_residual ? std * inverse_sqrt(2 * config.decoder.num_layers) : std;
}

}  // namespace

at::Tensor initial_value(const ModelConfig& config, const std::string& name, at::IntArrayRef shape,
                         uint64_t seed, Initialization initialization) {
  const bool is_vector = shape.size() < 2 && !name.ends_with("class_embedding");
  if (is_vector) return at::full(shape, name.ends_with("bias") ? 0.0 : 1.0, at::kFloat);
  const double std = initialization == Initialization::kFanIn ? fan_in_std(config, name, shape)
                                                              : standard_deviation(config, name);
  if (std == 0) return at::zeros(shape, at::kFloat);
  const at::Generator generator =
      at::make_generator<at::CPUGeneratorImpl>(stream_seed(seed, "init " + name));
  return at::empty(shape, at::kFloat).normal_(0, std, generator);
}

}  // namespace mentor
