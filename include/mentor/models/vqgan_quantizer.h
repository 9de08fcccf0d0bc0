#pragma once

#include "mentor/models/model_config.h"
#include "mentor/nn/layers.h"

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace mentor {

/// What a training step of the codec needs from the quantiser. Losses and usage are fp32 scalars
/// on the device.
struct QuantizerOutput {
  at::Tensor quantised_BEHW;  // normalised code rows; the gradient goes straight to the latent
  at::Tensor codes_BT;        // int64, T = H * W in raster order
  at::Tensor codebook_loss;   // mean((z_q - sg(z))^2)
  at::Tensor commit_loss;     // commit_beta * mean((sg(z_q) - z)^2)
  at::Tensor entropy_loss;    // entropy_ratio * (entropy of a sample - entropy of the average)
  at::Tensor usage;           // share of the codebook among the last 65536 codes
  at::Tensor latent_ME;       // what was quantised: fp32 unit rows, M = B * T; no gradient
};

/// Nearest-neighbour quantiser over an L2-normalised codebook (training.md section 9). Keys:
/// embedding.weight, and the buffer codebook_used: the last 65536 codes of training as floats,
/// zeros where a file lacks it. Distances are fp32 whatever the dtype of the weights.
class VectorQuantizerImpl : public torch::nn::Module {
 public:
  explicit VectorQuantizerImpl(const VqganConfig& config);

  /// Index of the nearest code, the lowest on ties: int64 [B, H * W]. Never records gradients.
  [[nodiscard]] at::Tensor codes(const at::Tensor& latent_BEHW) const;
  /// Normalised code rows of codes [B, h * w] as [B, E, h, w], in the codebook's dtype.
  [[nodiscard]] at::Tensor lookup(const at::Tensor& codes_BT, int64_t h, int64_t w) const;
  /// Training: quantises, computes the losses, moves codebook_used on.
  [[nodiscard]] QuantizerOutput forward(const at::Tensor& latent_BEHW);
  /// Training before there is a codebook: `quantised` is the normalised latent itself, the losses
  /// and the usage are 0, and there are no codes.
  [[nodiscard]] QuantizerOutput pass(const at::Tensor& latent_BEHW) const;

  [[nodiscard]] at::Tensor codebook() const { return embedding_->weight; }  // [N, E], as stored

 private:
  [[nodiscard]] at::Tensor normalised_codebook() const;  // fp32 [N, E]
  /// Moves codebook_used on; returns the share of the codebook in it.
  at::Tensor record_usage(const at::Tensor& codes);

  VqganConfig config_;
  Embedding embedding_{nullptr};
  at::Tensor codebook_used_;  // fp32 [65536], oldest first
};
TORCH_MODULE(VectorQuantizer);

}  // namespace mentor
