#include "mentor/models/lpips.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/nn/state.h"
#include "mentor/tensor/shape.h"
#include "mentor/tensor/weights_file.h"

#include <ATen/ATen.h>

#include <memory>
#include <string_view>

namespace mentor {
namespace {

constexpr std::string_view kFeatures = "features.";

/// What ImageNet's normalisation becomes for pixels in [-1, 1].
at::Tensor normalise_colors(const at::Tensor& pixels_B3HW) {
  const auto per_channel = [&](at::ArrayRef<double> values) {
    return at::tensor(values, at::kFloat)
        .view({1, 3, 1, 1})
        .to(pixels_B3HW.options(), /*non_blocking=*/true);
  };
  return (pixels_B3HW - per_channel({-.030, -.088, -.188})) / per_channel({.458, .448, .450});
}

at::Tensor unit_channels(const at::Tensor& x_BCHW) {
  return x_BCHW / (x_BCHW.square().sum(1, /*keepdim=*/true).sqrt() + 1e-10);
}

/// The tensors of one of the two files; nothing else of it is looked at.
void add_file(StateDict& weights, const std::filesystem::path& file, const std::string& key,
              std::string_view what, std::string_view prefix) {
  if (file.empty()) {
    throw ConfigError(
        format("{}: the perceptual loss needs {}: set it, or turn the loss off", key, what));
  }
  if (!std::filesystem::exists(file)) {
    throw ConfigError(format("{}: {} does not exist: set the key to {}", key, file.string(), what));
  }
  size_t found = 0;
  for (const auto& [name, tensor] : read_weights(file)) {
    if (!name.starts_with(prefix)) continue;
    weights.set(name, tensor);
    ++found;
  }
  if (found > 0) return;
  throw WeightsError(
      format("{}: {} holds no tensor '{}*': set the key to {}", key, file.string(), prefix, what));
}

/// Names a tensor of the file that does not fit.
void check_fit(const LoadReport& report, std::string_view prefix, const std::filesystem::path& file,
               const std::string& key, std::string_view what) {
  std::string problem;
  for (const ShapeMismatch& item : report.mismatched) {
    if (!item.key.starts_with(prefix)) continue;
    problem = format("{} has shape {}, not {}", item.key, c10::str(at::IntArrayRef(item.found)),
                     c10::str(at::IntArrayRef(item.expected)));
  }
  for (const std::string& name : report.missing) {
    if (name.starts_with(prefix)) problem = format("{} is missing", name);
  }
  if (problem.empty()) return;
  throw WeightsError(format("{}: {}: {}; set the key to {}", key, file.string(), problem, what));
}

}  // namespace

LpipsImpl::LpipsImpl(const LpipsOptions& options) {
  TORCH_CHECK(options.widths.size() == options.convolutions.size(),
              "LPIPS: ", options.widths.size(), " widths, ", options.convolutions.size(),
              " counts");
  const auto network = std::make_shared<torch::nn::Module>();
  int64_t channels = 3, place = 0;  // place: in torchvision's list, which counts every layer
  for (size_t size = 0; size < options.widths.size(); ++size) {
    sizes_.emplace_back();
    for (int64_t i = 0; i < options.convolutions[size]; ++i) {
      sizes_.back().emplace_back(channels, options.widths[size]);
      network->register_module(std::to_string(place), sizes_.back().back());
      channels = options.widths[size];
      place += 2;
    }
    ++place;
    // The reference has a dropout at 0 before the convolution at 1.
    lins_.emplace_back(channels, 1, Conv2dOptions{.kernel = 1, .padding = 0, .bias = false});
    const auto model = std::make_shared<torch::nn::Module>(), lin = std::make_shared<Module>();
    model->register_module("1", lins_.back());
    lin->register_module("model", model);
    register_module("lin" + std::to_string(size), lin);
  }
  register_module("features", network);
  for (at::Tensor& parameter : parameters()) parameter.requires_grad_(false);
}

std::vector<at::Tensor> LpipsImpl::features(const at::Tensor& pixels_B3HW) const {
  const at::Tensor& weight = sizes_.front().front()->weight;
  at::Tensor x = normalise_colors(pixels_B3HW.to(weight.device(), at::kFloat));
  x = x.to(weight.scalar_type());
  std::vector<at::Tensor> features;
  for (const std::vector<Conv2d>& convolutions : sizes_) {
    if (!features.empty()) x = at::max_pool2d(x, 2, 2);
    for (const Conv2d& convolution : convolutions) x = at::relu(convolution->forward(x));
    features.push_back(unit_channels(x.to(at::kFloat)));
  }
  return features;
}

at::Tensor LpipsImpl::forward(const at::Tensor& target_B3HW, const at::Tensor& pixels_B3HW) {
  check_shape(pixels_B3HW, {-1, 3, -1, -1}, "pixels_B3HW");
  check_shape(target_B3HW, pixels_B3HW.sizes(), "target_B3HW");
  std::vector<at::Tensor> targets;
  {
    const at::NoGradGuard no_grad;
    targets = features(target_B3HW);
  }
  const std::vector<at::Tensor> found = features(pixels_B3HW);
  at::Tensor distance_B = at::zeros({pixels_B3HW.size(0)}, found.front().options());
  for (size_t i = 0; i < found.size(); ++i) {
    const at::Tensor squares_BC = (found[i] - targets[i]).square().mean({2, 3});
    distance_B = distance_B + at::mv(squares_BC, lins_[i]->weight.flatten().to(at::kFloat));
  }
  return distance_B;
}

Lpips load_lpips(const LpipsFiles& files, at::ScalarType dtype, at::Device device,
                 const LpipsOptions& options) {
  constexpr std::string_view kVgg = "torchvision's vgg16 (vgg16-397923af.pth)",
                             kLin = "the linear layers of LPIPS (vgg.pth)";
  StateDict weights;
  add_file(weights, files.vgg, files.vgg_key, kVgg, kFeatures);
  add_file(weights, files.lin, files.lin_key, kLin, "lin");
  Lpips lpips(options);
  const LoadReport report = load_state_dict(*lpips, weights, dtype, device);
  check_fit(report, kFeatures, files.vgg, files.vgg_key, kVgg);
  check_fit(report, "lin", files.lin, files.lin_key, kLin);
  return lpips;
}

}  // namespace mentor
