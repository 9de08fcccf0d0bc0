#pragma once

#include <ATen/core/Tensor.h>

namespace mentor {

// Figures of tensors of any size and dtype, in float64, with little memory: a large tensor is
// widened piece by piece, and mapped pages are given back.

[[nodiscard]] double sum_double(const at::Tensor& x);

struct Difference {
  double max_absolute = 0;  // NaN where only one side is NaN
  double max_value = 0;     // largest |a|

  [[nodiscard]] bool exceeds(double tolerance) const { return !(max_absolute <= tolerance); }
  [[nodiscard]] double relative() const { return max_absolute == 0 ? 0 : max_absolute / max_value; }
};

/// Of two tensors of one shape, element by element; equal infinities and NaN at the same place
/// count as equal.
[[nodiscard]] Difference difference(const at::Tensor& a, const at::Tensor& b);

}  // namespace mentor
