#include "mentor/models/patch_discriminator.h"

#include "mentor/core/random.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

namespace mentor {

PatchDiscriminatorImpl::PatchDiscriminatorImpl(const PatchDiscriminatorOptions& options) {
  const auto main = std::make_shared<torch::nn::Module>();
  int64_t place = 0;  // in the reference's list, which counts activations too
  const auto convolution = [&](int64_t in, int64_t out, int64_t stride, bool bias) {
    convolutions_.emplace_back(
        in, out, Conv2dOptions{.kernel = 4, .stride = stride, .padding = 1, .bias = bias});
    main->register_module(std::to_string(place++), convolutions_.back());
  };
  constexpr int64_t kPixelChannels = 3, kMostWidening = 8;
  convolution(kPixelChannels, options.ch, 2, true);
  ++place;
  int64_t channels = options.ch;
  for (int64_t layer = 1; layer <= options.num_layers; ++layer) {
    const int64_t out = options.ch * std::min(int64_t{1} << layer, kMostWidening);
    convolution(channels, out, layer < options.num_layers ? 2 : 1, false);
    norms_.emplace_back(out);
    main->register_module(std::to_string(place), norms_.back());
    place += 2;
    channels = out;
  }
  convolution(channels, 1, 1, true);
  register_module("main", main);
}

at::Tensor PatchDiscriminatorImpl::forward(const at::Tensor& pixels_B3HW) {
  check_shape(pixels_B3HW, {-1, 3, -1, -1}, "pixels_B3HW");
  constexpr double kSlope = 0.2;
  const at::Tensor& weight = convolutions_.front()->weight;
  at::Tensor x = at::leaky_relu(
      convolutions_.front()->forward(pixels_B3HW.to(weight.device(), weight.scalar_type())),
      kSlope);
  for (size_t i = 0; i < norms_.size(); ++i) {
    x = at::leaky_relu(norms_[i]->forward(convolutions_[i + 1]->forward(x)), kSlope);
  }
  return convolutions_.back()->forward(x).to(at::kFloat);
}

void initialize(PatchDiscriminator& discriminator, uint64_t seed) {
  constexpr double kStd = 0.02;
  const at::NoGradGuard no_grad;
  materialize(*discriminator, at::kFloat);
  for (const auto& item : discriminator->named_buffers()) {
    at::Tensor buffer = item.value();
    buffer.fill_(item.key().ends_with("running_var") ? 1 : 0);
  }
  const auto parameters = discriminator->named_parameters();
  for (const auto& item : parameters) {
    at::Tensor tensor = item.value();
    const auto generator =
        at::make_generator<at::CPUGeneratorImpl>(stream_seed(seed, "discriminator." + item.key()));
    if (!item.key().ends_with("bias")) {
      tensor.normal_(tensor.dim() == 1 ? 1 : 0, kStd, generator);
      continue;
    }
    const std::string key = item.key().substr(0, item.key().size() - 4);
    const at::Tensor weight = parameters[key + "weight"];
    if (weight.dim() == 1) {
      tensor.zero_();
    } else {
      const double bound = 1.0 / std::sqrt(static_cast<double>(weight[0].numel()));
      tensor.uniform_(-bound, bound, generator);
    }
  }
}

}  // namespace mentor
