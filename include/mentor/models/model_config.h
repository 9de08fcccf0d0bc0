#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// CLIP vision transformer (HF CLIPVisionModel). Defaults: openai/clip-vit-large-patch14.
struct ClipConfig {
  int64_t hidden_size = 1024;
  int64_t intermediate_size = 4096;
  int64_t num_layers = 24;
  int64_t num_heads = 16;
  int64_t image_size = 224;
  int64_t patch_size = 14;
  double layer_norm_eps = 1e-5;
  int64_t select_layer = -2;

  [[nodiscard]] int64_t num_patches() const {
    return (image_size / patch_size) * (image_size / patch_size);
  }
  /// Layers that select_layer needs; the ones above stay in the state dict and are not run.
  [[nodiscard]] int64_t num_layers_run() const {
    return select_layer < 0 ? num_layers + 1 + select_layer : select_layer;
  }

  template <class Visitor>
  void fields(Visitor& v) {
    v("hidden_size", hidden_size, "width of the vision transformer", bound::count());
    v("intermediate_size", intermediate_size, "width of its MLP", bound::count());
    v("num_layers", num_layers, "transformer layers in the weights file", bound::count());
    v("num_heads", num_heads, "attention heads", bound::count());
    v("image_size", image_size, "side of the square input in pixels", bound::count());
    v("patch_size", patch_size, "side of a patch in pixels", bound::count());
    v("layer_norm_eps", layer_norm_eps, "epsilon of LayerNorm", bound::positive());
    v("select_layer", select_layer,
      "which hidden state is the feature: -1 is the last layer's output, -2 the one before");
  }
};

/// T5 encoder. Defaults: the text encoder of BLIP2-FlanT5-XL, which MENTOR starts from.
struct T5Config {
  int64_t vocab_size = 32128;
  int64_t d_model = 2048;
  int64_t d_kv = 64;
  int64_t d_ff = 5120;
  int64_t num_layers = 24;
  int64_t num_heads = 32;
  int64_t num_buckets = 32;
  int64_t max_distance = 128;
  double layer_norm_eps = 1e-6;
  double dropout = 0.1;
  std::string activation = "gelu";

  template <class Visitor>
  void fields(Visitor& v) {
    v("vocab_size", vocab_size, "rows of the embedding table", bound::count());
    v("d_model", d_model, "width of the encoder", bound::count());
    v("d_kv", d_kv, "width of one attention head", bound::count());
    v("d_ff", d_ff, "width of the gated feed-forward", bound::count());
    v("num_layers", num_layers, "encoder blocks", bound::count());
    v("num_heads", num_heads, "attention heads", bound::count());
    v("num_buckets", num_buckets, "buckets of the relative position bias", bound::at_least(4));
    v("max_distance", max_distance, "distance from which on the last bucket is used",
      bound::at_least(2));
    v("layer_norm_eps", layer_norm_eps, "epsilon of the RMS norm", bound::positive());
    v("dropout", dropout, "dropout in training", bound::between(0, 1));
    v("activation", activation,
      "gelu = erf form (BLIP2-FlanT5, MENTOR); gelu_new = tanh form (google/flan-t5, LlamaGen)",
      bound::one_of({"gelu", "gelu_new"}));
  }
};

/// LlamaGen decoder. Defaults: GPT-XL as MENTOR uses it (512 px, 512 condition tokens).
struct LlamaGenConfig {
  int64_t dim = 1280;
  int64_t num_layers = 36;
  int64_t num_heads = 20;
  int64_t multiple_of = 256;
  int64_t vocab_size = 16384;
  std::string condition = "text";
  int64_t cond_len = 512;
  int64_t cond_dim = 2048;
  int64_t num_classes = 1000;
  int64_t grid = 32;
  double rope_base = 10000;
  std::string rope_condition = "identity";
  double norm_eps = 1e-5;
  double token_dropout = 0.1;
  double residual_dropout = 0.1;
  double ffn_dropout = 0.1;
  double condition_dropout = 0.1;

  [[nodiscard]] int64_t head_dim() const { return dim / num_heads; }
  [[nodiscard]] int64_t image_len() const { return grid * grid; }
  /// 2/3 of 4 x dim (truncated), rounded up to a multiple of `multiple_of`.
  [[nodiscard]] int64_t ffn_hidden() const {
    const int64_t hidden = 2 * (4 * dim) / 3;
    return multiple_of * ((hidden + multiple_of - 1) / multiple_of);
  }
  [[nodiscard]] bool class_conditional() const { return condition == "class"; }

  template <class Visitor>
  void fields(Visitor& v) {
    v("dim", dim, "width of the decoder", bound::count());
    v("num_layers", num_layers, "transformer blocks", bound::count());
    v("num_heads", num_heads, "attention heads", bound::count());
    v("multiple_of", multiple_of,
      "the feed-forward width 8/3 dim is rounded up to a multiple of it", bound::count());
    v("vocab_size", vocab_size, "codes of the VQGAN codebook", bound::count());
    v("condition", condition, "what the prefix is: text features, or one class label (c2i files)",
      bound::one_of({"text", "class"}));
    v("cond_len", cond_len, "most condition tokens; rows of the unconditional embedding",
      bound::positive());
    v("cond_dim", cond_dim, "width of a condition feature (= t5.d_model)", bound::count());
    v("num_classes", num_classes, "class labels (condition: class)", bound::count());
    v("grid", grid, "image tokens per side: image_size / downsampling of the codec",
      bound::count());
    v("rope_base", rope_base, "base of the rotary frequencies", bound::positive());
    v("rope_condition", rope_condition,
      "rotation of condition tokens: identity (MENTOR files) or zero (official LlamaGen t2i files)",
      bound::one_of({"identity", "zero"}));
    v("norm_eps", norm_eps, "epsilon of RMSNorm", bound::positive());
    v("token_dropout", token_dropout, "training: dropout of the embeddings", bound::between(0, 1));
    v("residual_dropout", residual_dropout, "training: dropout after attention",
      bound::between(0, 1));
    v("ffn_dropout", ffn_dropout, "training: dropout after the feed-forward", bound::between(0, 1));
    v("condition_dropout", condition_dropout,
      "training: share of samples whose condition becomes the unconditional embedding",
      bound::between(0, 1));
  }
};

/// Image codec. Defaults: VQ-16 (vq_ds16_t2i.pt).
struct VqganConfig {
  std::string layout = "official";
  int64_t ch = 128;
  std::vector<int64_t> ch_mult = {1, 1, 2, 2, 4};
  int64_t patch_size = 4;
  int64_t num_res_blocks = 2;
  int64_t norm_groups = 32;
  int64_t z_channels = 256;
  int64_t codebook_size = 16384;
  int64_t codebook_dim = 8;
  double commit_beta = 0.25;
  double entropy_ratio = 0.0;

  [[nodiscard]] bool local() const { return layout == "local"; }
  [[nodiscard]] int64_t downsampling() const {
    return local() ? patch_size : int64_t{1} << (static_cast<int64_t>(ch_mult.size()) - 1);
  }

  template <class Visitor>
  void fields(Visitor& v) {
    v("layout", layout,
      "official: the VQGAN of LlamaGen; local: a small one whose code depends on its own patch of "
      "pixels alone",
      bound::one_of({"official", "local"}));
    v("ch", ch, "base channels; what a norm sees is a multiple of norm_groups", bound::count());
    v("ch_mult", ch_mult,
      "official: channel factor of each level; each level but the last halves the size",
      bound::positive());
    v("patch_size", patch_size, "local: pixels per side of a code's patch (even)",
      bound::between(2, 64));
    v("num_res_blocks", num_res_blocks,
      "official: residual blocks per encoder level (decoder: one more); local: per decoder level "
      "(encoder: one more)",
      bound::count());
    v("norm_groups", norm_groups,
      "groups of each GroupNorm; as many as channels would lose the picture's mean colour",
      bound::count());
    v("z_channels", z_channels, "channels between encoder and quantiser", bound::count());
    v("codebook_size", codebook_size, "number of codes", bound::count());
    v("codebook_dim", codebook_dim, "width of a code", bound::count());
    v("commit_beta", commit_beta, "training: weight of the commitment loss", bound::non_negative());
    v("entropy_ratio", entropy_ratio, "training: weight of the entropy loss",
      bound::non_negative());
  }
};

/// How a prompt becomes token ids.
struct PromptConfig {
  int64_t image_token_id = 32100;
  int64_t pad_token_id = 0;
  int64_t eos_token_id = 1;
  int64_t placeholders_per_image = 256;

  template <class Visitor>
  void fields(Visitor& v) {
    v("image_token_id", image_token_id, "id of the <image> placeholder", bound::non_negative());
    v("pad_token_id", pad_token_id, "id of padding", bound::non_negative());
    v("eos_token_id", eos_token_id, "id of the end token", bound::non_negative());
    v("placeholders_per_image", placeholders_per_image,
      "placeholders that one <image> of a prompt becomes: the vision tower's patches",
      bound::count());
  }
};

/// All five models. `preset` sets every value below it first; keys given beside it win.
struct ModelConfig {
  std::string preset = "mentor-xl";
  int64_t image_size = 512;
  bool vision = true;
  std::string projector = "mlp2x_gelu";
  ClipConfig clip;
  T5Config t5;
  LlamaGenConfig decoder;
  VqganConfig codec;
  PromptConfig prompt;

  /// Becomes model_preset(name).
  void apply_preset(const std::string& name);

  template <class Visitor>
  void fields(Visitor& v) {
    v("preset", preset, "named set of dimensions that the keys below start from",
      bound::one_of({"mentor-xl", "llamagen-b", "llamagen-l", "llamagen-xl", "llamagen-xxl",
                     "llamagen-3b", "tiny"}),
      [this](const std::string& name) { apply_preset(name); });
    v("image_size", image_size, "side of the generated picture in pixels", bound::count());
    v("vision", vision, "prompts may hold pictures: needs the vision tower and the projector");
    v("projector", projector, "picture features to text width: linear, or mlpNx_gelu = N layers",
      bound::one_of({"linear", "mlp2x_gelu", "mlp3x_gelu"}));
    v("clip", clip, "vision tower (CLIP)");
    v("t5", t5, "text encoder (T5)");
    v("decoder", decoder, "image-token decoder (LlamaGen)");
    v("codec", codec, "image codec (VQGAN)");
    v("prompt", prompt, "token ids of prompts");
  }
};

/// The named sets of dimensions: mentor-xl, llamagen-{b,l,xl,xxl,3b}, tiny. Throws ConfigError
/// naming the choices for any other name.
[[nodiscard]] ModelConfig model_preset(std::string_view name);

/// Rules between fields (divisibility, equal widths, prompt budget). One message per broken
/// rule, each beginning with the key's path below `model.`; empty when all hold.
[[nodiscard]] std::vector<std::string> check_model_config(const ModelConfig& config);

}  // namespace mentor
