#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace torch::nn {
class Module;
}

namespace mentor {

/// A tensor with sizes and dtype but one element of memory (all strides 0, value NaN). Modules
/// are built from these, so the XL models cost nothing until their weights arrive by
/// load_state_dict() (no copy) or materialize().
[[nodiscard]] at::Tensor shape_only(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat);
[[nodiscard]] bool is_shape_only(const at::Tensor& tensor);

/// Gives every shape-only parameter and buffer of the module real, uninitialised memory.
void materialize(torch::nn::Module& module, at::ScalarType dtype,
                 at::Device device = at::Device(at::kCPU));

/// Number of parameters, aliases counted once; buffers are not parameters.
[[nodiscard]] int64_t count_parameters(const torch::nn::Module& module);

/// Puts `value` (any dtype, device) in the place of a registered tensor without copying: the
/// handle, and with it what an optimizer holds, stays the same object. Shapes must agree.
void assign(at::Tensor& registered, const at::Tensor& value);

}  // namespace mentor
