#pragma once

#include "mentor/models/model_config.h"
#include "support/golden.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

namespace mentor {

inline nlohmann::json checkpoint_facts() {
  std::ifstream file(fixture_path("checkpoints/expected.json"));
  return nlohmann::json::parse(file).at("files");
}

/// Of checkpoints/bare.pt and the other files that hold a decoder alone.
inline ModelConfig small_decoder_config() {
  const nlohmann::json json = checkpoint_facts().at("decoder_config");
  ModelConfig config;
  config.vision = false;
  config.decoder.dim = json.at("dim");
  config.decoder.num_layers = json.at("n_layer");
  config.decoder.num_heads = json.at("n_head");
  config.decoder.multiple_of = json.at("multiple_of");
  config.decoder.vocab_size = json.at("vocab_size");
  config.decoder.cond_len = json.at("cls_token_num");
  config.decoder.cond_dim = json.at("caption_dim");
  config.decoder.grid = std::lround(std::sqrt(json.at("block_size").get<double>()));
  return config;
}

/// Of checkpoints/mentor_tiny.pt, and of vq_tiny.pt as its codec.
inline ModelConfig mentor_tiny_config() {
  const nlohmann::json json = checkpoint_facts().at("mentor_tiny.pt").at("config");
  const nlohmann::json &decoder = json.at("decoder"), &t5 = json.at("t5"), &clip = json.at("clip");
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
               .activation = t5.at("dense_act_fn")};
  config.decoder.dim = decoder.at("dim");
  config.decoder.num_layers = decoder.at("n_layer");
  config.decoder.num_heads = decoder.at("n_head");
  config.decoder.multiple_of = decoder.at("multiple_of");
  config.decoder.vocab_size = decoder.at("vocab_size");
  config.decoder.cond_len = decoder.at("cls_token_num");
  config.decoder.cond_dim = decoder.at("caption_dim");
  config.decoder.grid = std::lround(std::sqrt(json.at("tokens").get<double>()));
  config.codec.ch = json.at("vq").at("ch");
  config.codec.ch_mult = json.at("vq").at("ch_mult").get<std::vector<int64_t>>();
  config.codec.z_channels = json.at("vq").at("z_channels");
  config.codec.codebook_size = json.at("vq").at("codebook_size");
  config.codec.codebook_dim = json.at("vq").at("codebook_embed_dim");
  config.prompt.image_token_id = json.at("image_token_id");
  config.prompt.placeholders_per_image = json.at("placeholders_per_image");
  return config;
}

}  // namespace mentor
