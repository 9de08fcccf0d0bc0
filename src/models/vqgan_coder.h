#pragma once

#include "mentor/models/model_config.h"
#include "mentor/nn/layers.h"

#include <ATen/ATen.h>

#include <vector>

// The convolutional halves of the codec. Tensors are [B, C, H, W] in channels_last memory;
// registered names are the reference's keys (model.md sections 1.2 to 1.4).

namespace mentor {

inline constexpr int64_t kPixelChannels = 3;
inline constexpr Conv2dOptions kPointwise{.kernel = 1, .padding = 0};

[[nodiscard]] GroupNorm make_norm(int64_t groups, int64_t channels);

/// x + conv2(swish(norm2(conv1(swish(norm1(x)))))), x through a 1x1 convolution when the
/// channels change.
class ResBlockImpl : public torch::nn::Module {
 public:
  ResBlockImpl(int64_t in, int64_t out, int64_t groups);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x_BCHW) const;

 private:
  GroupNorm norm1_{nullptr}, norm2_{nullptr};
  Conv2d conv1_{nullptr}, conv2_{nullptr}, nin_shortcut_{nullptr};
};
TORCH_MODULE(ResBlock);

/// x + proj_out(attention(q, k, v)) with one head over all positions of norm(x).
class AttentionBlockImpl : public torch::nn::Module {
 public:
  AttentionBlockImpl(int64_t channels, int64_t groups);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x_BCHW) const;

 private:
  GroupNorm norm_{nullptr};
  Conv2d q_{nullptr}, k_{nullptr}, v_{nullptr}, proj_out_{nullptr};
};
TORCH_MODULE(AttentionBlock);

/// kShuffle: twice the size from a quarter of the channels of a 1x1 convolution, which leaves
/// half of them.
enum class Resample { kNone, kDown, kUp, kShuffle };

struct StageOptions {
  int64_t in, out;     // channels
  int64_t groups;      // of GroupNorm
  int64_t num_blocks;  // residual blocks
  bool attention;      // one after each residual block
  Resample resample;   // behind the blocks
};

/// One resolution level: residual (and attention) blocks, then a change of resolution.
class StageImpl : public torch::nn::Module {
 public:
  explicit StageImpl(const StageOptions& options);
  [[nodiscard]] at::Tensor forward(at::Tensor x_BCHW) const;

 private:
  Resample resample_;
  std::vector<ResBlock> blocks_;
  std::vector<AttentionBlock> attention_;  // empty, or one per block
  Conv2d resample_conv_{nullptr};
};
TORCH_MODULE(Stage);

/// Residual block, attention, residual block at the deepest level. Keys: mid.0, mid.1, mid.2.
class MiddleImpl : public torch::nn::Module {
 public:
  MiddleImpl(int64_t channels, int64_t groups);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x_BCHW) const;

 private:
  ResBlock first_{nullptr}, last_{nullptr};
  AttentionBlock attention_{nullptr};
};
TORCH_MODULE(Middle);

/// Pixels [B, 3, H, W] -> features [B, z_channels, H / f, W / f].
class CodecEncoder : public torch::nn::Module {
 public:
  [[nodiscard]] virtual at::Tensor forward(const at::Tensor& pixels_B3HW) const = 0;
};

/// Features [B, z_channels, h, w] -> pixels [B, 3, h * f, w * f], not clamped.
class CodecDecoder : public torch::nn::Module {
 public:
  [[nodiscard]] virtual at::Tensor forward(const at::Tensor& features_BZHW) const = 0;
};

class VqganEncoder : public CodecEncoder {
 public:
  explicit VqganEncoder(const VqganConfig& config);
  [[nodiscard]] at::Tensor forward(const at::Tensor& pixels_B3HW) const override;

 private:
  Conv2d conv_in_{nullptr}, conv_out_{nullptr};
  std::vector<Stage> stages_;  // highest resolution first
  Middle mid_{nullptr};
  GroupNorm norm_out_{nullptr};
};

class VqganDecoder : public CodecDecoder {
 public:
  explicit VqganDecoder(const VqganConfig& config);
  [[nodiscard]] at::Tensor forward(const at::Tensor& features_BZHW) const override;

 private:
  Conv2d conv_in_{nullptr}, conv_out_{nullptr};
  Middle mid_{nullptr};
  std::vector<Stage> stages_;  // deepest first
  GroupNorm norm_out_{nullptr};
};

}  // namespace mentor
