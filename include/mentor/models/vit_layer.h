#pragma once

#include "mentor/models/vit_activation.h"
#include "mentor/nn/layers.h"

#include <cstdint>

namespace mentor {

/// Where published files keep the tensors of a layer, as names below the layer's own.
struct VitLayerNames {
  const char *query, *key, *value, *output, *attention_norm, *fc1, *fc2, *mlp_norm;
  const char *attention_scale = nullptr, *mlp_scale = nullptr;  // of LayerScale, where there is one
};

/// HF's CLIP, both towers.
inline constexpr VitLayerNames kClipLayerNames{.query = "self_attn.q_proj",
                                               .key = "self_attn.k_proj",
                                               .value = "self_attn.v_proj",
                                               .output = "self_attn.out_proj",
                                               .attention_norm = "layer_norm1",
                                               .fc1 = "mlp.fc1",
                                               .fc2 = "mlp.fc2",
                                               .mlp_norm = "layer_norm2"};

struct VitLayerOptions {
  int64_t width = 0;
  int64_t mlp_width = 0;
  int64_t num_heads = 1;
  double norm_eps = 1e-5;
  Activation activation = Activation::kQuickGelu;
  bool causal = false;
  VitLayerNames names = kClipLayerNames;
};

/// Pre-norm transformer layer of CLIP and DINO: self-attention and an MLP, all with biases.
class VitLayerImpl : public torch::nn::Module {
 public:
  explicit VitLayerImpl(const VitLayerOptions& options);
  /// [N, S, H] -> [N, S, H]. Where no gradient is recorded, x is given up.
  [[nodiscard]] at::Tensor forward(at::Tensor x_NSH) const;

 private:
  [[nodiscard]] at::Tensor attend(const at::Tensor& x_NSH) const;

  int64_t num_heads_;
  Activation activation_;
  bool causal_;
  Linear query_{nullptr}, key_{nullptr}, value_{nullptr}, output_{nullptr};
  Linear fc1_{nullptr}, fc2_{nullptr};
  LayerNorm attention_norm_{nullptr}, mlp_norm_{nullptr};
  at::Tensor attention_scale_, mlp_scale_;  // [H], or undefined
};
TORCH_MODULE(VitLayer);

/// x + update; where no gradient is recorded, x is given up.
[[nodiscard]] at::Tensor add_update(at::Tensor x, const at::Tensor& update);

}  // namespace mentor
