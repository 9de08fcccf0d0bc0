#include "local_coder.h"

#include <torch/nn/modules/container/modulelist.h>

// B batch, C channels, H x W grid of codes, M = B * H * W patches

namespace mentor {
namespace {

/// A 1x1 convolution over rows.
at::Tensor pointwise(const Conv2d& conv, const at::Tensor& x_MC) {
  return linear(x_MC, conv->weight.flatten(1), conv->bias);
}

}  // namespace

PatchMlpImpl::PatchMlpImpl(int64_t channels) {
  conv1_ = register_module("conv1", Conv2d(channels, 2 * channels, kPointwise));
  conv2_ = register_module("conv2", Conv2d(2 * channels, channels, kPointwise));
}

at::Tensor PatchMlpImpl::forward(const at::Tensor& x_MC) const {
  return x_MC + pointwise(conv2_, at::silu(pointwise(conv1_, x_MC)));
}

LocalEncoder::LocalEncoder(const VqganConfig& config) {
  const Conv2dOptions patches{
      .kernel = config.patch_size, .stride = config.patch_size, .padding = 0};
  conv_in_ = register_module("conv_in", Conv2d(kPixelChannels, config.ch, patches));
  torch::nn::ModuleList blocks;
  for (int64_t i = 0; i < config.num_res_blocks + 1; ++i) {
    blocks_.emplace_back(config.ch);
    blocks->push_back(blocks_.back());
  }
  register_module("res", blocks);
  conv_out_ = register_module("conv_out", Conv2d(config.ch, config.z_channels, kPointwise));
}

at::Tensor LocalEncoder::forward(const at::Tensor& pixels_B3HW) const {
  const at::Tensor patches_BHWC = conv_in_->forward(pixels_B3HW).permute({0, 2, 3, 1});
  at::Tensor x_MC = patches_BHWC.flatten(0, 2);
  for (const PatchMlp& block : blocks_) x_MC = block->forward(x_MC);
  return pointwise(conv_out_, at::silu(x_MC))
      .view({patches_BHWC.size(0), patches_BHWC.size(1), patches_BHWC.size(2), -1})
      .permute({0, 3, 1, 2});
}

LocalDecoder::LocalDecoder(const VqganConfig& config) : patch_(config.patch_size / 2) {
  conv_in_ = register_module("conv_in", Conv2d(config.z_channels, config.ch));
  torch::nn::ModuleList stages;
  for (const int64_t channels : {config.ch, config.ch / 2}) {
    stages_.emplace_back(
        StageOptions{.in = channels,
                     .out = channels,
                     .groups = config.norm_groups,
                     .num_blocks = config.num_res_blocks,
                     .attention = false,
                     .resample = stages_.empty() ? Resample::kShuffle : Resample::kNone});
    stages->push_back(stages_.back());
  }
  register_module("conv_blocks", stages);
  norm_out_ = register_module("norm_out", make_norm(config.norm_groups, config.ch / 2));
  const int64_t values = kPixelChannels * patch_ * patch_;
  conv_out_ = register_module("conv_out", Conv2d(config.ch / 2, values, kPointwise));
}

at::Tensor LocalDecoder::forward(const at::Tensor& features_BZHW) const {
  at::Tensor x = conv_in_->forward(features_BZHW);
  for (const Stage& stage : stages_) x = stage->forward(std::move(x));
  return at::pixel_shuffle(conv_out_->forward(norm_out_->swish(std::move(x))), patch_);
}

}  // namespace mentor
