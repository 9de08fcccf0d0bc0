#pragma once

#include <ATen/core/Tensor.h>

namespace mentor {

/// silu(gate) * up, the middle of SwiGLU; both of one dtype and size. On a CPU one pass each way,
/// rounded once.
[[nodiscard]] at::Tensor silu_mul(const at::Tensor& gate, const at::Tensor& up);

}  // namespace mentor
