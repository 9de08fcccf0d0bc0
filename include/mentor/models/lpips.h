#pragma once

#include "mentor/nn/layers.h"
#include "mentor/tensor/state_dict.h"

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// Widths of the feature network and its convolutions at each size. Defaults: VGG16.
struct LpipsOptions {
  std::vector<int64_t> widths = {64, 128, 256, 512, 512};
  std::vector<int64_t> convolutions = {2, 2, 3, 3, 3};
};

/// LPIPS, the distance between two pictures as a network for photographs sees them (Zhang et al.
/// 2018; training.md section 9). Keys: features.N.* as torchvision's vgg16 and lin{0..4}.model.1.*
/// as the authors' vgg.pth. Never trained: no weight wants a gradient, and there is no dropout.
class LpipsImpl : public torch::nn::Module {
 public:
  explicit LpipsImpl(const LpipsOptions& options = {});
  /// Distance of each pair of pictures, pixels in [-1, 1], sides of at least 16: fp32 [B]. The
  /// gradient goes to `pixels` only.
  [[nodiscard]] at::Tensor forward(const at::Tensor& target_B3HW, const at::Tensor& pixels_B3HW);

 private:
  /// Behind the last convolution of each size: unit vectors over the channels, fp32.
  [[nodiscard]] std::vector<at::Tensor> features(const at::Tensor& pixels_B3HW) const;

  std::vector<std::vector<Conv2d>> sizes_;  // highest resolution first
  std::vector<Conv2d> lins_;                // one weight per channel of each size
};
TORCH_MODULE(Lpips);

/// The two published files, or one that holds both, and the configuration keys that name them.
struct LpipsFiles {
  std::filesystem::path vgg, lin;
  std::string vgg_key, lin_key;
};

/// Loads torchvision's vgg16 (its classifier is left out) and the authors' vgg.pth, each as .pth
/// or .safetensors. Throws ConfigError naming the key without a file, WeightsError naming file,
/// tensors and key when a tensor is missing or has another shape.
[[nodiscard]] Lpips load_lpips(const LpipsFiles& files, at::ScalarType dtype, at::Device device,
                               const LpipsOptions& options = {});

}  // namespace mentor
