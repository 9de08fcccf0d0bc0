#pragma once

#include "mentor/nn/layers.h"

#include <string>
#include <vector>

namespace mentor {

/// Picture features to text width. `linear`: one Linear (keys weight, bias). `mlpNx_gelu`: N
/// Linear layers with the erf GELU between them (keys 0.weight, 0.bias, 2.weight, ...).
class ProjectorImpl : public torch::nn::Module {
 public:
  /// Throws ConfigError for any other type.
  ProjectorImpl(const std::string& type, int64_t in, int64_t out);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;  // [..., in] -> [..., out]

 private:
  std::vector<Linear> layers_;
};
TORCH_MODULE(Projector);

}  // namespace mentor
