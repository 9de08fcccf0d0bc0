#pragma once

#include "mentor/nn/layers.h"

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <vector>

namespace mentor {

/// Defaults: PatchGAN as LlamaGen trains its codecs against (training.md section 9).
struct PatchDiscriminatorOptions {
  int64_t ch = 64;  // channels of the first convolution; each layer doubles them up to 8-fold
  int64_t num_layers = 3;  // convolutions with a norm; the last of them keeps the size
};

/// Says of each patch of a picture how real it looks: convolutions 4x4, LeakyReLU .2, batch norm.
/// Keys: the reference's, main.N.*, without the counters num_batches_tracked, which nothing reads.
/// Computes in the dtype of its weights. In training a picture's logits depend on its batch.
class PatchDiscriminatorImpl : public torch::nn::Module {
 public:
  explicit PatchDiscriminatorImpl(const PatchDiscriminatorOptions& options = {});
  /// Pixels in [-1, 1], sides of at least 3 * 2^num_layers -> fp32 logits [B, 1, h, w].
  [[nodiscard]] at::Tensor forward(const at::Tensor& pixels_B3HW);

 private:
  std::vector<Conv2d> convolutions_;
  std::vector<BatchNorm2d> norms_;  // of all convolutions but the first and the last
};
TORCH_MODULE(PatchDiscriminator);

/// Allocates the weights in fp32 and draws them as the reference does: convolutions N(0, .02),
/// norms N(1, .02), biases of the norms 0, biases of the convolutions by torch's default rule.
void initialize(PatchDiscriminator& discriminator, uint64_t seed);

}  // namespace mentor
