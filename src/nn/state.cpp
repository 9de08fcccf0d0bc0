#include "mentor/nn/state.h"

#include "mentor/nn/parameters.h"
#include "mentor/tensor/mapped_file.h"

#include <ATen/ATen.h>

#include <unordered_set>

namespace mentor {

StateDict state_dict(const torch::nn::Module& module) {
  StateDict state;
  for (const auto& item : module.named_parameters()) state.set(item.key(), item.value());
  for (const auto& item : module.named_buffers()) state.set(item.key(), item.value());
  return state;
}

LoadReport load_state_dict(torch::nn::Module& module, const StateDict& weights,
                           at::ScalarType dtype, at::Device device) {
  const at::NoGradGuard no_grad;
  LoadReport report;
  std::unordered_set<std::string> known;
  std::unordered_set<const void*> filled;
  const StateDict own = state_dict(module);
  for (const auto& [key, tensor] : own) {
    known.insert(key);
    const at::Tensor* found = weights.find(key);
    if (found == nullptr) continue;
    if (found->sizes() != tensor.sizes()) {
      report.mismatched.push_back({key, tensor.sizes().vec(), found->sizes().vec()});
      continue;
    }
    report.loaded.push_back(key);
    if (!filled.insert(tensor.unsafeGetTensorImpl()).second)
      continue;  // an alias: the first counts
    at::Tensor registered = tensor;
    const bool floating = at::isFloatingType(tensor.scalar_type());
    const at::Tensor value = found->to(device, floating ? dtype : tensor.scalar_type());
    if (!value.is_alias_of(*found)) drop_mapped_pages(*found);
    assign(registered, value);
  }
  for (const auto& [key, tensor] : own) {
    const bool mismatched = weights.contains(key) && !filled.contains(tensor.unsafeGetTensorImpl());
    if (!mismatched && !filled.contains(tensor.unsafeGetTensorImpl()))
      report.missing.push_back(key);
  }
  for (const auto& [key, value] : weights) {
    if (!known.contains(key)) report.unexpected.push_back(key);
  }
  return report;
}

}  // namespace mentor
