#pragma once

#include "mentor/models/model_config.h"
#include "mentor/models/vit_layer.h"
#include "mentor/nn/layers.h"

#include <vector>

namespace mentor {

/// CLIP vision transformer. Its names are those of HF CLIPVisionModel below `vision_model.`
/// ("pre_layrnorm" is the published spelling). forward() runs neither the layers above
/// `select_layer` nor post_layernorm, which are part of the weights.
class ClipVisionImpl : public torch::nn::Module {
 public:
  explicit ClipVisionImpl(const ClipConfig& config, Activation activation = Activation::kQuickGelu);

  /// Normalised pixels [N, 3, S, S] of any dtype -> patch features [N, P, H] of the hidden state
  /// `select_layer`, without the class token. Never records gradients: MENTOR's tower is frozen.
  [[nodiscard]] at::Tensor forward(const at::Tensor& pixels_NCHW) const;

  /// Hidden state [N, 1 + P, H] after `num_layers` layers, class token first; 0 = after
  /// pre_layrnorm. Differentiable, to train a tower.
  [[nodiscard]] at::Tensor hidden_state(const at::Tensor& pixels_NCHW, int64_t num_layers) const;

  /// The class token behind all layers and post_layernorm: [N, H], what CLIP projects. No gradient.
  [[nodiscard]] at::Tensor pooled(const at::Tensor& pixels_NCHW) const;
  [[nodiscard]] int64_t num_layers_run() const { return config_.num_layers_run(); }

 private:
  [[nodiscard]] at::Tensor embed(const at::Tensor& pixels_NCHW) const;

  ClipConfig config_;
  at::Tensor class_embedding_;  // [H]
  Conv2d patch_embedding_{nullptr};
  Embedding position_embedding_{nullptr};  // [1 + P, H]
  LayerNorm pre_norm_{nullptr}, post_norm_{nullptr};
  std::vector<VitLayer> layers_;
};
TORCH_MODULE(ClipVision);

}  // namespace mentor
