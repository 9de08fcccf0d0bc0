#pragma once

#include "mentor/models/model_config.h"

#include <nlohmann/json.hpp>

namespace mentor {

/// Dimensions of a fixture, from the `config` of its meta.json.
inline T5Config golden_t5_config(const nlohmann::json& json) {
  return {.vocab_size = json.at("vocab_size"),
          .d_model = json.at("d_model"),
          .d_kv = json.at("d_kv"),
          .d_ff = json.at("d_ff"),
          .num_layers = json.at("num_layers"),
          .num_heads = json.at("num_heads"),
          .num_buckets = json.at("relative_attention_num_buckets"),
          .max_distance = json.at("relative_attention_max_distance"),
          .layer_norm_eps = json.value("layer_norm_epsilon", 1e-6),
          .activation = json.value("dense_act_fn", "gelu")};
}

inline ClipConfig golden_clip_config(const nlohmann::json& json) {
  return {.hidden_size = json.at("hidden_size"),
          .intermediate_size = json.at("intermediate_size"),
          .num_layers = json.at("num_hidden_layers"),
          .num_heads = json.at("num_attention_heads"),
          .image_size = json.at("image_size"),
          .patch_size = json.at("patch_size"),
          .layer_norm_eps = json.at("layer_norm_eps")};
}

/// Only what the multimodal encoder reads.
inline ModelConfig golden_encoder_config(const nlohmann::json& json) {
  ModelConfig config;
  config.projector = json.at("projector");
  config.t5 = golden_t5_config(json.at("t5"));
  config.clip = golden_clip_config(json.at("clip"));
  config.clip.select_layer = json.at("select_layer");
  config.prompt.image_token_id = json.at("image_token_id");
  config.prompt.placeholders_per_image = json.at("placeholders_per_image");
  return config;
}

}  // namespace mentor
