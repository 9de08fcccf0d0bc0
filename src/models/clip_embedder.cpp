#include "mentor/models/clip_embedder.h"

#include "embedder_weights.h"
#include "mentor/tensor/shape.h"
#include "mentor/tensor/weights_file.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <memory>

// N pictures or texts, L tokens of a text, H width, D width of the common space

namespace mentor {

ClipTextImpl::ClipTextImpl(const ClipTextConfig& config) : config_(config) {
  const auto embeddings = std::make_shared<torch::nn::Module>("embeddings");
  token_embedding_ = embeddings->register_module("token_embedding",
                                                 Embedding(config.vocab_size, config.hidden_size));
  position_embedding_ = embeddings->register_module(
      "position_embedding", Embedding(config.max_positions, config.hidden_size));
  register_module("embeddings", embeddings);
  torch::nn::ModuleList layers;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    layers_.emplace_back(VitLayerOptions{.width = config.hidden_size,
                                         .mlp_width = config.intermediate_size,
                                         .num_heads = config.num_heads,
                                         .norm_eps = config.layer_norm_eps,
                                         .activation = config.activation,
                                         .causal = true});
    layers->push_back(layers_.back());
  }
  const auto encoder = std::make_shared<torch::nn::Module>("encoder");
  encoder->register_module("layers", layers);
  register_module("encoder", encoder);
  final_norm_ =
      register_module("final_layer_norm", LayerNorm(config.hidden_size, config.layer_norm_eps));
}

/// The published configurations say 2 where the end token is 49407: the reference then takes the
/// highest id, which is the same token while no others were added.
at::Tensor ClipTextImpl::end_places(const at::Tensor& ids_NL) const {
  constexpr int64_t kWrongEndId = 2;
  if (config_.end_id == kWrongEndId) return ids_NL.argmax(/*dim=*/1);
  return ids_NL.eq(config_.end_id).to(at::kInt).argmax(/*dim=*/1);
}

at::Tensor ClipTextImpl::pooled(const at::Tensor& ids_NL) const {
  const at::NoGradGuard no_grad;
  const int64_t length = ids_NL.size(1);
  TORCH_CHECK(length <= config_.max_positions, "ClipText: ", length, " tokens, at most ",
              config_.max_positions);
  at::Tensor x_NLH = add_update(token_embedding_->forward(ids_NL),
                                position_embedding_->weight.slice(0, 0, length));
  for (const VitLayer& layer : layers_) x_NLH = layer->forward(x_NLH);
  const at::Tensor rows = at::arange(ids_NL.size(0), ids_NL.options());
  return final_norm_->forward(x_NLH.index({rows, end_places(ids_NL)}));
}

ClipEmbedderImpl::ClipEmbedderImpl(const ClipEmbedderConfig& config) : config_(config) {
  text_ = register_module("text_model", ClipText(config.text));
  vision_ = register_module("vision_model", ClipVision(config.vision, config.vision_activation));
  visual_projection_ = register_module(
      "visual_projection", Linear(config.vision.hidden_size, config.projection_dim, false));
  text_projection_ = register_module("text_projection",
                                     Linear(config.text.hidden_size, config.projection_dim, false));
}

at::Tensor ClipEmbedderImpl::embed_pictures(const at::Tensor& pixels_NCHW) const {
  const at::NoGradGuard no_grad;
  return visual_projection_->forward(vision_->pooled(pixels_NCHW));
}

at::Tensor ClipEmbedderImpl::embed_texts(const at::Tensor& ids_NL) const {
  const at::NoGradGuard no_grad;
  return text_projection_->forward(text_->pooled(ids_NL));
}

ClipEmbedder load_clip_embedder(const fs::path& folder, at::ScalarType dtype, at::Device device,
                                WeightsReport* report) {
  ClipEmbedder embedder(read_clip_embedder_config(folder));
  fill_embedder(*embedder, read_weights(folder, {}, report),
                {.path = folder,
                 .published = "openai/clip-vit-base-patch32",
                 .dtype = dtype,
                 .device = device});
  return embedder;
}

}  // namespace mentor
