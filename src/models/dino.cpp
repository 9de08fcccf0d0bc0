#include "mentor/models/dino.h"

#include "mentor/nn/parameters.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <memory>

// N pictures, P patches, S = 1 + P tokens, H width, G patches along a side of the position table

namespace mentor {
namespace {

VitLayerOptions layer_options(const DinoConfig& config) {
  VitLayerOptions options{.width = config.hidden_size,
                          .mlp_width = config.intermediate_size,
                          .num_heads = config.num_heads,
                          .norm_eps = config.layer_norm_eps,
                          .activation = Activation::kGelu,
                          .names = {.query = "attention.attention.query",
                                    .key = "attention.attention.key",
                                    .value = "attention.attention.value",
                                    .output = "attention.output.dense",
                                    .attention_norm = "norm1",
                                    .fc1 = "mlp.fc1",
                                    .fc2 = "mlp.fc2",
                                    .mlp_norm = "norm2"}};
  if (config.layer_scale) {
    options.names.attention_scale = "layer_scale1.lambda1";
    options.names.mlp_scale = "layer_scale2.lambda1";
  }
  return options;
}

}  // namespace

DinoImpl::DinoImpl(const DinoConfig& config) : config_(config) {
  const int64_t width = config.hidden_size, num_patches = config.table_side * config.table_side;
  const auto embeddings = std::make_shared<torch::nn::Module>("embeddings");
  class_token_ = embeddings->register_parameter("cls_token", shape_only({1, 1, width}));
  position_embeddings_ = embeddings->register_parameter("position_embeddings",
                                                        shape_only({1, 1 + num_patches, width}));
  const auto patches = std::make_shared<torch::nn::Module>("patch_embeddings");
  patch_embedding_ = patches->register_module(
      "projection",
      Conv2d(
          3, width,
          Conv2dOptions{.kernel = config.patch_size, .stride = config.patch_size, .padding = 0}));
  embeddings->register_module("patch_embeddings", patches);
  register_module("embeddings", embeddings);
  torch::nn::ModuleList layers;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    layers_.emplace_back(layer_options(config));
    layers->push_back(layers_.back());
  }
  const auto encoder = std::make_shared<torch::nn::Module>("encoder");
  encoder->register_module("layer", layers);
  register_module("encoder", encoder);
  norm_ = register_module("layernorm", LayerNorm(width, config.layer_norm_eps));
}

/// As transformers 4.49: bicubic to the wanted size, in fp32; [1, 1 + rows * columns, H].
at::Tensor DinoImpl::positions(int64_t rows, int64_t columns) const {
  const int64_t side = config_.table_side;
  if (rows == side && columns == side) return position_embeddings_;
  const at::Tensor table_1HGG =
      position_embeddings_.slice(/*dim=*/1, /*start=*/1).mT().unflatten(2, {side, side});
  const at::Tensor fitted_1HP =
      at::upsample_bicubic2d(table_1HGG.to(at::kFloat), {rows, columns}, /*align_corners=*/false)
          .flatten(2)
          .to(position_embeddings_.scalar_type());
  return at::cat({position_embeddings_.slice(/*dim=*/1, 0, 1), fitted_1HP.mT()}, /*dim=*/1);
}

at::Tensor DinoImpl::embed_pictures(const at::Tensor& pixels_NCHW) const {
  const at::NoGradGuard no_grad;
  check_shape(pixels_NCHW, {-1, 3, -1, -1}, "pixels_NCHW");
  const at::Tensor patches_NHRC = patch_embedding_->forward(pixels_NCHW.to(class_token_.options()));
  const at::Tensor class_N1H = class_token_.expand({pixels_NCHW.size(0), 1, -1});
  at::Tensor x_NSH = at::cat({class_N1H, patches_NHRC.flatten(2).mT()}, /*dim=*/1);
  x_NSH = add_update(x_NSH, positions(patches_NHRC.size(2), patches_NHRC.size(3)));
  for (const VitLayer& layer : layers_) x_NSH = layer->forward(x_NSH);
  return norm_->forward(x_NSH.select(/*dim=*/1, /*index=*/0));
}

}  // namespace mentor
