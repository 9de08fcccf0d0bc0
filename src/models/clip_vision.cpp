#include "mentor/models/clip_vision.h"

#include "mentor/nn/parameters.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <cmath>

// N pictures, C channels, P patches, S = 1 + P tokens, H width, A attention heads, K head width

namespace mentor {
namespace {

// Where no gradient is recorded, x is given up.

/// x σ(1.702 x)
at::Tensor quick_gelu(at::Tensor x) {
  if (at::GradMode::is_enabled()) return x * at::sigmoid(x * 1.702);
  return x.mul_(at::mul(x, 1.702).sigmoid_());
}

at::Tensor add_update(at::Tensor x, const at::Tensor& update) {
  return at::GradMode::is_enabled() ? x + update : x.add_(update);
}

/// q, k, v [N, A, S, K]. The backward pass of LibTorch's fused attention on a CPU costs more than
/// the products at the few tokens of a picture.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  if (!at::GradMode::is_enabled() || !q.is_cpu()) return at::scaled_dot_product_attention(q, k, v);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  return at::matmul(at::softmax(at::matmul(q * scale, k.mT()), -1), v);
}

}  // namespace

/// Pre-norm transformer layer: self-attention and an MLP with the quick GELU, all with biases.
class ClipLayerImpl : public torch::nn::Module {
 public:
  explicit ClipLayerImpl(const ClipConfig& config) : num_heads_(config.num_heads) {
    const int64_t width = config.hidden_size;
    const auto attention = std::make_shared<torch::nn::Module>("self_attn");
    k_proj_ = attention->register_module("k_proj", Linear(width, width, true));
    v_proj_ = attention->register_module("v_proj", Linear(width, width, true));
    q_proj_ = attention->register_module("q_proj", Linear(width, width, true));
    out_proj_ = attention->register_module("out_proj", Linear(width, width, true));
    register_module("self_attn", attention);
    attention_norm_ = register_module("layer_norm1", LayerNorm(width, config.layer_norm_eps));
    const auto mlp = std::make_shared<torch::nn::Module>("mlp");
    fc1_ = mlp->register_module("fc1", Linear(width, config.intermediate_size, true));
    fc2_ = mlp->register_module("fc2", Linear(config.intermediate_size, width, true));
    register_module("mlp", mlp);
    mlp_norm_ = register_module("layer_norm2", LayerNorm(width, config.layer_norm_eps));
  }

  [[nodiscard]] at::Tensor forward(at::Tensor x_NSH) const {
    x_NSH = add_update(x_NSH, attend(attention_norm_->forward(x_NSH)));
    return add_update(x_NSH, fc2_->forward(quick_gelu(fc1_->forward(mlp_norm_->forward(x_NSH)))));
  }

 private:
  [[nodiscard]] at::Tensor attend(const at::Tensor& x_NSH) const {
    const auto heads = [&](const Linear& projection) {
      return projection->forward(x_NSH).unflatten(2, {num_heads_, -1}).transpose(1, 2);
    };
    const at::Tensor mixed_NASK = attention(heads(q_proj_), heads(k_proj_), heads(v_proj_));
    return out_proj_->forward(mixed_NASK.transpose(1, 2).flatten(2));
  }

  int64_t num_heads_;
  Linear k_proj_{nullptr}, v_proj_{nullptr}, q_proj_{nullptr}, out_proj_{nullptr};
  Linear fc1_{nullptr}, fc2_{nullptr};
  LayerNorm attention_norm_{nullptr}, mlp_norm_{nullptr};
};

ClipVisionImpl::ClipVisionImpl(const ClipConfig& config) : config_(config) {
  const int64_t width = config.hidden_size;
  const auto embeddings = std::make_shared<torch::nn::Module>("embeddings");
  class_embedding_ = embeddings->register_parameter("class_embedding", shape_only({width}));
  patch_embedding_ = embeddings->register_module("patch_embedding",
                                                 Conv2d(3, width,
                                                        Conv2dOptions{.kernel = config.patch_size,
                                                                      .stride = config.patch_size,
                                                                      .padding = 0,
                                                                      .bias = false}));
  position_embedding_ =
      embeddings->register_module("position_embedding", Embedding(1 + config.num_patches(), width));
  register_module("embeddings", embeddings);
  pre_norm_ = register_module("pre_layrnorm", LayerNorm(width, config.layer_norm_eps));

  torch::nn::ModuleList layers;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    layers_.emplace_back(config);
    layers->push_back(layers_.back());
  }
  const auto encoder = std::make_shared<torch::nn::Module>("encoder");
  encoder->register_module("layers", layers);
  register_module("encoder", encoder);
  register_module("post_layernorm", LayerNorm(width, config.layer_norm_eps));
}

at::Tensor ClipVisionImpl::embed(const at::Tensor& pixels_NCHW) const {
  check_shape(pixels_NCHW, {-1, 3, config_.image_size, config_.image_size}, "pixels_NCHW");
  const at::Tensor patches_NPH =
      patch_embedding_->forward(pixels_NCHW.to(class_embedding_.options())).flatten(2).mT();
  const at::Tensor class_N1H = class_embedding_.expand({pixels_NCHW.size(0), 1, -1});
  return add_update(at::cat({class_N1H, patches_NPH}, /*dim=*/1), position_embedding_->weight);
}

at::Tensor ClipVisionImpl::hidden_state(const at::Tensor& pixels_NCHW, int64_t num_layers) const {
  TORCH_CHECK(num_layers >= 0 && num_layers <= config_.num_layers, "hidden_state: ", num_layers,
              " of ", config_.num_layers, " layers");
  at::Tensor x_NSH = pre_norm_->forward(embed(pixels_NCHW));
  for (int64_t i = 0; i < num_layers; ++i) x_NSH = layers_[i]->forward(x_NSH);
  return x_NSH;
}

at::Tensor ClipVisionImpl::forward(const at::Tensor& pixels_NCHW) const {
  const at::NoGradGuard no_grad;
  return hidden_state(pixels_NCHW, config_.num_layers_run()).slice(/*dim=*/1, /*start=*/1);
}

}  // namespace mentor
