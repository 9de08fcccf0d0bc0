#include "mentor/models/projector.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <ATen/ATen.h>

#include <string_view>

namespace mentor {
namespace {

/// Layers of `mlpNx_gelu`; 0 for `linear`.
int64_t mlp_depth(const std::string& type) {
  if (type == "linear") return 0;
  constexpr std::string_view kBegin = "mlp", kEnd = "x_gelu";
  const bool fits = type.size() == kBegin.size() + 1 + kEnd.size() && type.starts_with(kBegin) &&
                    type.ends_with(kEnd);
  const int depth = fits ? type[kBegin.size()] - '0' : 0;
  if (depth < 1 || depth > 9) {
    throw ConfigError(format(
        "model.projector: '{}' is unknown (linear, or mlpNx_gelu with 1 to 9 layers)", type));
  }
  return depth;
}

}  // namespace

ProjectorImpl::ProjectorImpl(const std::string& type, int64_t in, int64_t out) {
  const int64_t depth = mlp_depth(type);
  if (depth == 0) {
    // The reference's module is then the Linear itself, so its keys have no index.
    const Linear& only = layers_.emplace_back(in, out, true);
    register_parameter("weight", only->weight);
    register_parameter("bias", only->bias);
  }
  for (int64_t i = 0; i < depth; ++i) {
    const Linear& layer = layers_.emplace_back(i == 0 ? in : out, out, true);
    register_module(std::to_string(2 * i), layer);  // odd indices are the activations
  }
}

at::Tensor ProjectorImpl::forward(const at::Tensor& x) const {
  at::Tensor y = layers_.front()->forward(x);
  for (size_t i = 1; i < layers_.size(); ++i) y = layers_[i]->forward(at::gelu(y));
  return y;
}

}  // namespace mentor
