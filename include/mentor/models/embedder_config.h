#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/models/model_config.h"
#include "mentor/models/vit_activation.h"

#include <cstdint>

namespace mentor {

/// CLIP's text tower (HF CLIPTextModel). Defaults: openai/clip-vit-base-patch32.
struct ClipTextConfig {
  int64_t vocab_size = 49408;
  int64_t hidden_size = 512;
  int64_t intermediate_size = 2048;
  int64_t num_layers = 12;
  int64_t num_heads = 8;
  int64_t max_positions = 77;
  double layer_norm_eps = 1e-5;
  Activation activation = Activation::kQuickGelu;
  int64_t end_id = 49407;  // of the token whose feature is taken; 2: the highest id of each text
};

/// Both towers of CLIP and what projects them into one space.
struct ClipEmbedderConfig {
  ClipConfig vision{.hidden_size = 768,
                    .intermediate_size = 3072,
                    .num_layers = 12,
                    .num_heads = 12,
                    .patch_size = 32};
  Activation vision_activation = Activation::kQuickGelu;
  ClipTextConfig text;
  int64_t projection_dim = 512;
};

/// DINO's vision transformer (HF Dinov2Model). Defaults: facebook/dinov2-small.
struct DinoConfig {
  int64_t hidden_size = 384;
  int64_t intermediate_size = 1536;
  int64_t num_layers = 12;
  int64_t num_heads = 6;
  int64_t patch_size = 14;
  int64_t table_side = 37;  // patches along a side of the pictures that the positions are for
  double layer_norm_eps = 1e-6;
  bool layer_scale = true;  // DINO (2021) has none
};

/// From the config.json of a Hugging Face folder, with transformers' defaults for what it leaves
/// out. WeightsError: no such file, damaged, another kind of model, sizes that cannot be.
[[nodiscard]] ClipEmbedderConfig read_clip_embedder_config(const fs::path& folder);
[[nodiscard]] DinoConfig read_dinov2_config(const fs::path& folder);

}  // namespace mentor
