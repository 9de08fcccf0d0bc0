#include "mentor/nn/parameters.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <vector>

namespace mentor {

at::Tensor shape_only(at::IntArrayRef sizes, at::ScalarType dtype) {
  const std::vector<int64_t> strides(sizes.size(), 0);
  at::Tensor tensor = at::empty_strided(sizes, strides, at::TensorOptions().dtype(dtype));
  // A weight that is used before it was loaded shows as NaN, never as plausible numbers.
  if (tensor.numel() > 0 && at::isFloatingType(dtype)) {
    tensor.as_strided({1}, {1}).fill_(std::numeric_limits<double>::quiet_NaN());
  }
  return tensor;
}

bool is_shape_only(const at::Tensor& tensor) {
  // Not by the size of the storage: a real tensor of one element needs no more either.
  const at::IntArrayRef strides = tensor.strides();
  return !strides.empty() &&
         std::all_of(strides.begin(), strides.end(), [](int64_t stride) { return stride == 0; });
}

void assign(at::Tensor& registered, const at::Tensor& value) {
  TORCH_CHECK(registered.sizes() == value.sizes(), "assign: shape ", value.sizes(),
              " does not fit ", registered.sizes());
  registered.set_data(value);
}

void materialize(torch::nn::Module& module, at::ScalarType dtype, at::Device device) {
  const auto allocate = [&](at::Tensor& tensor) {
    if (!is_shape_only(tensor)) return;
    const at::ScalarType kind =
        at::isFloatingType(tensor.scalar_type()) ? dtype : tensor.scalar_type();
    assign(tensor, at::empty(tensor.sizes(), at::TensorOptions().dtype(kind).device(device)));
  };
  for (at::Tensor& parameter : module.parameters()) allocate(parameter);
  for (at::Tensor& buffer : module.buffers()) allocate(buffer);
}

int64_t count_parameters(const torch::nn::Module& module) {
  std::unordered_set<const void*> seen;
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    if (seen.insert(parameter.unsafeGetTensorImpl()).second) count += parameter.numel();
  }
  return count;
}

}  // namespace mentor
