#pragma once

#include "mentor/tensor/state_dict.h"

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace mentor {

/// Every parameter and buffer of the module under its full key, in registration order; aliases
/// (T5's embed_tokens) appear under each of their names.
[[nodiscard]] StateDict state_dict(const torch::nn::Module& module);

struct ShapeMismatch {
  std::string key;
  std::vector<int64_t> expected, found;
};

/// What loading did with each key. Nothing is dropped without an entry here.
struct LoadReport {
  std::vector<std::string> loaded;
  std::vector<std::string> missing;     // the module wants them, the weights have them not
  std::vector<std::string> unexpected;  // the weights hold them, the module has no place
  std::vector<ShapeMismatch> mismatched;

  [[nodiscard]] bool complete() const { return missing.empty() && mismatched.empty(); }
};

/// Puts the tensors of `weights` in the place of the module's (no copy where dtype and device
/// already fit) and reports. A tensor of another shape is reported and left alone. Keys absent
/// because they alias a loaded tensor are not missing.
LoadReport load_state_dict(torch::nn::Module& module, const StateDict& weights,
                           at::ScalarType dtype, at::Device device = at::Device(at::kCPU));

}  // namespace mentor
