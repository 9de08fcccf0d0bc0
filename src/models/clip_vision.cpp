#include "mentor/models/clip_vision.h"

#include "mentor/nn/parameters.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

// N pictures, C channels, P patches, S = 1 + P tokens, H width

namespace mentor {
ClipVisionImpl::ClipVisionImpl(const ClipConfig& config, Activation activation) : config_(config) {
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
    layers_.emplace_back(VitLayerOptions{.width = width,
                                         .mlp_width = config.intermediate_size,
                                         .num_heads = config.num_heads,
                                         .norm_eps = config.layer_norm_eps,
                                         .activation = activation});
    layers->push_back(layers_.back());
  }
  const auto encoder = std::make_shared<torch::nn::Module>("encoder");
  encoder->register_module("layers", layers);
  register_module("encoder", encoder);
  post_norm_ = register_module("post_layernorm", LayerNorm(width, config.layer_norm_eps));
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

at::Tensor ClipVisionImpl::pooled(const at::Tensor& pixels_NCHW) const {
  const at::NoGradGuard no_grad;
  const at::Tensor x_NSH = hidden_state(pixels_NCHW, config_.num_layers);
  return post_norm_->forward(x_NSH.select(/*dim=*/1, /*index=*/0));
}

}  // namespace mentor
