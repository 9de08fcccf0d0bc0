#pragma once

#include "vqgan_coder.h"

// The halves of a codec with layout: local. A code is a function of its own patch of f x f pixels:
// no convolution looks at a neighbour and no norm at the rest of the picture. Equal patches then
// have equal codes wherever they are, which makes the codes of a flat background predictable
// (with the official encoder: .80 nats of noise a code, toy_world.md section 5). The decoder does
// see neighbours.

namespace mentor {

/// x + conv2(silu(conv1(x))) with 1x1 convolutions, twice as wide between them.
class PatchMlpImpl : public torch::nn::Module {
 public:
  explicit PatchMlpImpl(int64_t channels);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x_MC) const;  // M patches

 private:
  Conv2d conv1_{nullptr}, conv2_{nullptr};
};
TORCH_MODULE(PatchMlp);

class LocalEncoder : public CodecEncoder {
 public:
  explicit LocalEncoder(const VqganConfig& config);
  [[nodiscard]] at::Tensor forward(const at::Tensor& pixels_B3HW) const override;

 private:
  Conv2d conv_in_{nullptr}, conv_out_{nullptr};
  std::vector<PatchMlp> blocks_;
};

/// Works at the size of the code grid, then at twice that size with half the channels; the last
/// convolution gives each of those positions its f/2 x f/2 pixels.
class LocalDecoder : public CodecDecoder {
 public:
  explicit LocalDecoder(const VqganConfig& config);
  [[nodiscard]] at::Tensor forward(const at::Tensor& features_BZHW) const override;

 private:
  Conv2d conv_in_{nullptr}, conv_out_{nullptr};
  std::vector<Stage> stages_;
  GroupNorm norm_out_{nullptr};
  int64_t patch_;  // pixels per side that the last convolution makes
};

}  // namespace mentor
