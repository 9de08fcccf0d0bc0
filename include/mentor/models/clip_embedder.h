#pragma once

#include "mentor/models/clip_vision.h"
#include "mentor/models/embedder_config.h"
#include "mentor/tensor/weights_file.h"

#include <vector>

namespace mentor {

/// CLIP's text tower. Its names are those of HF CLIPTextModel below `text_model.`.
class ClipTextImpl : public torch::nn::Module {
 public:
  explicit ClipTextImpl(const ClipTextConfig& config);

  /// Ids int64 [N, L], each text with its end token and anything behind it -> the feature of that
  /// token behind all layers and final_layer_norm [N, H]. No gradient.
  [[nodiscard]] at::Tensor pooled(const at::Tensor& ids_NL) const;

 private:
  [[nodiscard]] at::Tensor end_places(const at::Tensor& ids_NL) const;

  ClipTextConfig config_;
  Embedding token_embedding_{nullptr}, position_embedding_{nullptr};
  LayerNorm final_norm_{nullptr};
  std::vector<VitLayer> layers_;
};
TORCH_MODULE(ClipText);

/// CLIP as a measure of likeness: pictures and texts as vectors of one space. Its names are those
/// of HF CLIPModel; logit_scale, which cosines do not need, has no place.
class ClipEmbedderImpl : public torch::nn::Module {
 public:
  explicit ClipEmbedderImpl(const ClipEmbedderConfig& config);

  /// clip_pixels() of pictures [N, 3, S, S] -> [N, D], not normalised.
  [[nodiscard]] at::Tensor embed_pictures(const at::Tensor& pixels_NCHW) const;
  /// Ids of ClipTokenizer [N, L] -> [N, D], not normalised.
  [[nodiscard]] at::Tensor embed_texts(const at::Tensor& ids_NL) const;

  [[nodiscard]] const ClipEmbedderConfig& config() const { return config_; }

 private:
  ClipEmbedderConfig config_;
  ClipText text_{nullptr};
  ClipVision vision_{nullptr};
  Linear visual_projection_{nullptr}, text_projection_{nullptr};
};
TORCH_MODULE(ClipEmbedder);

/// From a Hugging Face folder: config.json and model.safetensors or pytorch_model.bin; `report`
/// gets what was read. WeightsError naming file and tensor when something is missing or does not
/// fit.
[[nodiscard]] ClipEmbedder load_clip_embedder(const fs::path& folder, at::ScalarType dtype,
                                              at::Device device, WeightsReport* report = nullptr);

}  // namespace mentor
