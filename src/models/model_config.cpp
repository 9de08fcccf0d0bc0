#include "mentor/models/model_config.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

namespace mentor {
namespace {

ModelConfig mentor_xl() { return {}; }

/// LlamaGen's own text-to-image models: no pictures in the prompt, FlanT5 with the tanh GELU,
/// 120 condition tokens, condition rows zeroed by the rotary table.
ModelConfig llamagen(std::string_view name, int64_t dim, int64_t num_layers, int64_t num_heads) {
  ModelConfig model;
  model.preset = name;
  model.vision = false;
  model.t5.activation = "gelu_new";
  model.decoder.dim = dim;
  model.decoder.num_layers = num_layers;
  model.decoder.num_heads = num_heads;
  model.decoder.cond_len = 120;
  model.decoder.rope_condition = "zero";
  return model;
}

/// Small enough for tests and first steps: 64 px pictures, 64 image tokens.
ModelConfig tiny() {
  ModelConfig model;
  model.preset = "tiny";
  model.image_size = 64;
  model.clip = {.hidden_size = 64,
                .intermediate_size = 128,
                .num_layers = 3,
                .num_heads = 4,
                .image_size = 56,
                .patch_size = 14};
  model.t5 = {
      .vocab_size = 1024, .d_model = 64, .d_kv = 16, .d_ff = 128, .num_layers = 2, .num_heads = 4};
  model.decoder.dim = 128;
  model.decoder.num_layers = 4;
  model.decoder.num_heads = 4;
  model.decoder.multiple_of = 64;
  model.decoder.vocab_size = 512;
  model.decoder.cond_len = 128;
  model.decoder.cond_dim = 64;
  model.decoder.grid = 8;
  model.codec = {.ch = 32,
                 .ch_mult = {1, 1, 2, 2},
                 .num_res_blocks = 1,
                 .z_channels = 32,
                 .codebook_size = 512,
                 .codebook_dim = 8};
  model.prompt.image_token_id = 1000;
  model.prompt.placeholders_per_image = 16;
  return model;
}

/// `require(holds, problem)` collects.
template <class Require>
void check_t5(const T5Config& t5, const Require& require) {
  // relative_position_bucket() divides by log(max_distance / exact).
  const int64_t exact = t5.num_buckets / 4;
  require(t5.max_distance > exact,
          format("t5.max_distance: {} must be above a quarter of t5.num_buckets {}: distances "
                 "below {} have a bucket each",
                 t5.max_distance, t5.num_buckets, exact));
}

template <class Require>
void check_codec(const VqganConfig& codec, const Require& require) {
  const int64_t groups = codec.norm_groups;
  if (codec.local()) {
    require(codec.patch_size % 2 == 0,
            format("codec.patch_size: {} is odd, but the decoder doubles its size on the way",
                   codec.patch_size));
    require(codec.ch % (2 * groups) == 0,
            format("codec.ch: {} is no multiple of twice the {} codec.norm_groups (the decoder "
                   "halves its channels)",
                   codec.ch, groups));
    return;
  }
  for (const int64_t factor : codec.ch_mult) {
    require((codec.ch * factor) % groups == 0,
            format("codec.ch: {} x {} is no multiple of the {} codec.norm_groups", codec.ch, factor,
                   groups));
  }
}

}  // namespace

ModelConfig model_preset(std::string_view name) {
  if (name == "mentor-xl") return mentor_xl();
  if (name == "llamagen-b") return llamagen(name, 768, 12, 12);
  if (name == "llamagen-l") return llamagen(name, 1024, 24, 16);
  if (name == "llamagen-xl") return llamagen(name, 1280, 36, 20);
  if (name == "llamagen-xxl") return llamagen(name, 1536, 48, 24);
  if (name == "llamagen-3b") return llamagen(name, 3200, 24, 32);
  if (name == "tiny") return tiny();
  throw ConfigError(
      format("model.preset: '{}' is unknown (mentor-xl, llamagen-b, llamagen-l, llamagen-xl, "
             "llamagen-xxl, llamagen-3b, tiny)",
             name));
}

void ModelConfig::apply_preset(const std::string& name) { *this = model_preset(name); }

std::vector<std::string> check_model_config(const ModelConfig& m) {
  std::vector<std::string> problems;
  const auto require = [&](bool holds, std::string problem) {
    if (!holds) problems.push_back(std::move(problem));
  };
  if (!m.codec.local() && (m.codec.ch_mult.empty() || m.codec.ch_mult.size() > 8)) {
    return {"codec.ch_mult: needs 1 to 8 levels"};  // the rules below need the downsampling
  }
  require(m.decoder.dim % m.decoder.num_heads == 0,
          format("decoder.num_heads: {} does not divide decoder.dim {}", m.decoder.num_heads,
                 m.decoder.dim));
  require(m.decoder.head_dim() % 4 == 0, format("decoder.num_heads: the head width {} must be "
                                                "divisible by 4 for the 2-D rotary embedding",
                                                m.decoder.head_dim()));
  require(m.decoder.vocab_size == m.codec.codebook_size,
          format("decoder.vocab_size: {} differs from codec.codebook_size {}", m.decoder.vocab_size,
                 m.codec.codebook_size));
  require(m.image_size == m.decoder.grid * m.codec.downsampling(),
          format("decoder.grid: {} x downsampling {} of the codec is {} px, but image_size is {}",
                 m.decoder.grid, m.codec.downsampling(), m.decoder.grid * m.codec.downsampling(),
                 m.image_size));
  check_codec(m.codec, require);
  if (m.decoder.class_conditional()) {
    require(m.decoder.cond_len == 1, "decoder.cond_len: must be 1 for condition: class");
    return problems;
  }
  check_t5(m.t5, require);
  require(
      m.decoder.cond_dim == m.t5.d_model,
      format("decoder.cond_dim: {} differs from t5.d_model {}", m.decoder.cond_dim, m.t5.d_model));
  require(m.prompt.image_token_id < m.t5.vocab_size,
          format("prompt.image_token_id: {} is outside t5.vocab_size {}", m.prompt.image_token_id,
                 m.t5.vocab_size));
  if (m.vision) {
    require(m.clip.hidden_size % m.clip.num_heads == 0,
            format("clip.num_heads: {} does not divide clip.hidden_size {}", m.clip.num_heads,
                   m.clip.hidden_size));
    require(m.clip.image_size % m.clip.patch_size == 0,
            format("clip.patch_size: {} does not divide clip.image_size {}", m.clip.patch_size,
                   m.clip.image_size));
    require(m.clip.num_layers_run() >= 0 && m.clip.num_layers_run() <= m.clip.num_layers,
            format("clip.select_layer: {} is outside the {} layers", m.clip.select_layer,
                   m.clip.num_layers));
    require(m.prompt.placeholders_per_image == m.clip.num_patches(),
            format("prompt.placeholders_per_image: {} differs from the {} patches of the vision "
                   "tower",
                   m.prompt.placeholders_per_image, m.clip.num_patches()));
    require(m.prompt.placeholders_per_image < m.decoder.cond_len,
            format("decoder.cond_len: {} has no room for the {} placeholders of one picture",
                   m.decoder.cond_len, m.prompt.placeholders_per_image));
  }
  return problems;
}

}  // namespace mentor
