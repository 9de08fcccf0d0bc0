#pragma once

#include "mentor/models/model_config.h"
#include "mentor/nn/layers.h"

#include <vector>

namespace mentor {

class ClipLayerImpl;
TORCH_MODULE(ClipLayer);

/// CLIP vision transformer. Its names are those of HF CLIPVisionModel below `vision_model.`
/// ("pre_layrnorm" is the published spelling). The layers above `select_layer` and
/// post_layernorm are part of the weights and are never run.
class ClipVisionImpl : public torch::nn::Module {
 public:
  explicit ClipVisionImpl(const ClipConfig& config);

  /// Normalised pixels [N, 3, S, S] of any dtype -> patch features [N, P, H] of the hidden state
  /// `select_layer`, without the class token. Never records gradients: MENTOR's tower is frozen.
  [[nodiscard]] at::Tensor forward(const at::Tensor& pixels_NCHW) const;

  /// Hidden state [N, 1 + P, H] after `num_layers` layers, class token first; 0 = after
  /// pre_layrnorm. Differentiable, to train a tower.
  [[nodiscard]] at::Tensor hidden_state(const at::Tensor& pixels_NCHW, int64_t num_layers) const;
  [[nodiscard]] int64_t num_layers_run() const { return config_.num_layers_run(); }

 private:
  [[nodiscard]] at::Tensor embed(const at::Tensor& pixels_NCHW) const;

  ClipConfig config_;
  at::Tensor class_embedding_;  // [H]
  Conv2d patch_embedding_{nullptr};
  Embedding position_embedding_{nullptr};  // [1 + P, H]
  LayerNorm pre_norm_{nullptr};
  std::vector<ClipLayer> layers_;
};
TORCH_MODULE(ClipVision);

}  // namespace mentor
