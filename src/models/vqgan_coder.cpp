#include "vqgan_coder.h"

#include <torch/nn/modules/container/modulelist.h>

#include <string>
#include <utility>

// B batch, C channels, H x W positions, S = H * W

namespace mentor {
namespace {

constexpr double kNormEpsilon = 1e-6;

/// a + b, in b's memory where no gradient needs b as it was.
at::Tensor add_into(const at::Tensor& a, at::Tensor&& b) {
  return at::GradMode::is_enabled() ? a + b : b.add_(a);
}

}  // namespace

GroupNorm make_norm(int64_t groups, int64_t channels) {
  return GroupNorm(groups, channels, kNormEpsilon);
}

ResBlockImpl::ResBlockImpl(int64_t in, int64_t out, int64_t groups) {
  norm1_ = register_module("norm1", make_norm(groups, in));
  conv1_ = register_module("conv1", Conv2d(in, out));
  norm2_ = register_module("norm2", make_norm(groups, out));
  conv2_ = register_module("conv2", Conv2d(out, out));
  if (in != out) nin_shortcut_ = register_module("nin_shortcut", Conv2d(in, out, kPointwise));
}

at::Tensor ResBlockImpl::forward(const at::Tensor& x_BCHW) const {
  at::Tensor hidden = conv1_->forward(norm1_->swish(x_BCHW));
  hidden = conv2_->forward(norm2_->swish(std::move(hidden)));
  return add_into(nin_shortcut_.is_empty() ? x_BCHW : nin_shortcut_->forward(x_BCHW),
                  std::move(hidden));
}

AttentionBlockImpl::AttentionBlockImpl(int64_t channels, int64_t groups) {
  norm_ = register_module("norm", make_norm(groups, channels));
  q_ = register_module("q", Conv2d(channels, channels, kPointwise));
  k_ = register_module("k", Conv2d(channels, channels, kPointwise));
  v_ = register_module("v", Conv2d(channels, channels, kPointwise));
  proj_out_ = register_module("proj_out", Conv2d(channels, channels, kPointwise));
}

at::Tensor AttentionBlockImpl::forward(const at::Tensor& x_BCHW) const {
  // In channels_last memory a 1x1 convolution is a linear layer over rows, without any copy.
  const at::Tensor x_BHWC = norm_->forward(x_BCHW).permute({0, 2, 3, 1});
  const at::Tensor x_BSC = x_BHWC.flatten(1, 2);
  const auto project = [](const Conv2d& conv, const at::Tensor& rows) {
    return linear(rows, conv->weight.flatten(1), conv->bias);
  };
  const auto head = [&](const Conv2d& conv) { return project(conv, x_BSC).unsqueeze(1); };
  const at::Tensor mixed_BSC =
      at::scaled_dot_product_attention(head(q_), head(k_), head(v_)).squeeze(1);
  const at::Tensor y_BSC = project(proj_out_, mixed_BSC);
  return add_into(x_BCHW, y_BSC.view(x_BHWC.sizes()).permute({0, 3, 1, 2}));
}

StageImpl::StageImpl(const StageOptions& options) : resample_(options.resample) {
  torch::nn::ModuleList blocks, attention;
  for (int64_t i = 0; i < options.num_blocks; ++i) {
    blocks_.emplace_back(i == 0 ? options.in : options.out, options.out, options.groups);
    blocks->push_back(blocks_.back());
    if (!options.attention) continue;
    attention_.emplace_back(options.out, options.groups);
    attention->push_back(attention_.back());
  }
  register_module("res", blocks);
  register_module("attn", attention);
  if (resample_ == Resample::kNone) return;
  // The reference wraps the convolution in a module of its own: downsample.conv.weight.
  const bool down = resample_ == Resample::kDown;
  if (resample_ == Resample::kShuffle) {
    resample_conv_ = Conv2d(options.out, 2 * options.out, kPointwise);
  } else {
    resample_conv_ = Conv2d(options.out, options.out,
                            down ? Conv2dOptions{.stride = 2, .padding = 0} : Conv2dOptions{});
  }
  const auto wrapper = std::make_shared<torch::nn::Module>();
  wrapper->register_module("conv", resample_conv_);
  register_module(down ? "downsample" : "upsample", wrapper);
}

at::Tensor StageImpl::forward(at::Tensor x_BCHW) const {
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x_BCHW = blocks_[i]->forward(x_BCHW);
    if (!attention_.empty()) x_BCHW = attention_[i]->forward(x_BCHW);
  }
  switch (resample_) {
    case Resample::kNone:
      return x_BCHW;
    case Resample::kDown:  // zeros at the right and the bottom only
      return resample_conv_->forward(at::constant_pad_nd(x_BCHW, {0, 1, 0, 1}));
    case Resample::kUp:
      x_BCHW = at::upsample_nearest2d(x_BCHW, {2 * x_BCHW.size(2), 2 * x_BCHW.size(3)});
      return resample_conv_->forward(x_BCHW);
    case Resample::kShuffle:
      return at::pixel_shuffle(resample_conv_->forward(x_BCHW), 2);
  }
  TORCH_CHECK(false, "unknown resampling ", static_cast<int>(resample_));
}

MiddleImpl::MiddleImpl(int64_t channels, int64_t groups) {
  first_ = register_module("0", ResBlock(channels, channels, groups));
  attention_ = register_module("1", AttentionBlock(channels, groups));
  last_ = register_module("2", ResBlock(channels, channels, groups));
}

at::Tensor MiddleImpl::forward(const at::Tensor& x_BCHW) const {
  return last_->forward(attention_->forward(first_->forward(x_BCHW)));
}

VqganEncoder::VqganEncoder(const VqganConfig& config) {
  conv_in_ = register_module("conv_in", Conv2d(kPixelChannels, config.ch));
  torch::nn::ModuleList stages;
  int64_t channels = config.ch;
  for (size_t level = 0; level < config.ch_mult.size(); ++level) {
    const bool deepest = level + 1 == config.ch_mult.size();
    const int64_t out = config.ch * config.ch_mult[level];
    stages_.emplace_back(StageOptions{.in = channels,
                                      .out = out,
                                      .groups = config.norm_groups,
                                      .num_blocks = config.num_res_blocks,
                                      .attention = deepest,
                                      .resample = deepest ? Resample::kNone : Resample::kDown});
    stages->push_back(stages_.back());
    channels = out;
  }
  register_module("conv_blocks", stages);
  mid_ = register_module("mid", Middle(channels, config.norm_groups));
  norm_out_ = register_module("norm_out", make_norm(config.norm_groups, channels));
  conv_out_ = register_module("conv_out", Conv2d(channels, config.z_channels));
}

at::Tensor VqganEncoder::forward(const at::Tensor& pixels_B3HW) const {
  at::Tensor x = conv_in_->forward(pixels_B3HW);
  for (const Stage& stage : stages_) x = stage->forward(std::move(x));
  return conv_out_->forward(norm_out_->swish(mid_->forward(x)));
}

VqganDecoder::VqganDecoder(const VqganConfig& config) {
  int64_t channels = config.ch * config.ch_mult.back();
  conv_in_ = register_module("conv_in", Conv2d(config.z_channels, channels));
  mid_ = register_module("mid", Middle(channels, config.norm_groups));
  torch::nn::ModuleList stages;
  for (size_t level = config.ch_mult.size(); level-- > 0;) {
    const bool deepest = level + 1 == config.ch_mult.size();
    const int64_t out = config.ch * config.ch_mult[level];
    stages_.emplace_back(StageOptions{.in = channels,
                                      .out = out,
                                      .groups = config.norm_groups,
                                      .num_blocks = config.num_res_blocks + 1,
                                      .attention = deepest,
                                      .resample = level == 0 ? Resample::kNone : Resample::kUp});
    stages->push_back(stages_.back());
    channels = out;
  }
  register_module("conv_blocks", stages);
  norm_out_ = register_module("norm_out", make_norm(config.norm_groups, channels));
  conv_out_ = register_module("conv_out", Conv2d(channels, kPixelChannels));
}

at::Tensor VqganDecoder::forward(const at::Tensor& features_BZHW) const {
  at::Tensor x = mid_->forward(conv_in_->forward(features_BZHW));
  for (const Stage& stage : stages_) x = stage->forward(std::move(x));
  return conv_out_->forward(norm_out_->swish(std::move(x)));
}

}  // namespace mentor
