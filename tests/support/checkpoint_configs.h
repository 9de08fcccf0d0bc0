#pragma once

#include "mentor/models/model_config.h"
#include "support/golden.h"
#include "support/llamagen_fixture.h"

#include <nlohmann/json.hpp>

#include <fstream>

namespace mentor {

inline nlohmann::json checkpoint_facts() {
  std::ifstream file(fixture_path("checkpoints/expected.json"));
  return nlohmann::json::parse(file).at("files");
}

/// Of checkpoints/bare.pt and the other files that hold a decoder alone.
inline ModelConfig small_decoder_config() {
  ModelConfig config;
  config.vision = false;
  config.decoder = decoder_config(checkpoint_facts().at("decoder_config"), "identity");
  return config;
}

/// The dimensions of all five models, as checkpoints/expected.json and end_to_end/expected.json
/// write them.
inline ModelConfig five_models_config(const nlohmann::json& json) {
  nlohmann::json decoder = json.at("decoder");
  decoder["block_size"] = json.at("tokens");
  const nlohmann::json &t5 = json.at("t5"), &clip = json.at("clip"), &vq = json.at("vq");
  ModelConfig config;
  config.image_size = json.at("image_size");
  config.projector = json.at("projector");
  config.clip = {.hidden_size = clip.at("hidden_size"),
                 .intermediate_size = clip.at("intermediate_size"),
                 .num_layers = clip.at("num_hidden_layers"),
                 .num_heads = clip.at("num_attention_heads"),
                 .image_size = clip.at("image_size"),
                 .patch_size = clip.at("patch_size")};
  config.t5 = {.vocab_size = t5.at("vocab_size"),
               .d_model = t5.at("d_model"),
               .d_kv = t5.at("d_kv"),
               .d_ff = t5.at("d_ff"),
               .num_layers = t5.at("num_layers"),
               .num_heads = t5.at("num_heads"),
               .dropout = 0,
               .activation = t5.at("dense_act_fn")};
  config.decoder = decoder_config(decoder, decoder.at("rope") == "fixed" ? "identity" : "zero");
  config.codec = {.ch = vq.at("ch"),
                  .ch_mult = vq.at("ch_mult"),
                  .z_channels = vq.at("z_channels"),
                  .codebook_size = vq.at("codebook_size"),
                  .codebook_dim = vq.at("codebook_embed_dim")};
  config.prompt.image_token_id = json.at("image_token_id");
  config.prompt.placeholders_per_image = json.at("placeholders_per_image");
  return config;
}

/// Of checkpoints/mentor_tiny.pt, and of vq_tiny.pt as its codec.
inline ModelConfig mentor_tiny_config() {
  return five_models_config(checkpoint_facts().at("mentor_tiny.pt").at("config"));
}

}  // namespace mentor
