#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

namespace mentor {

/// Checks x against `expected`; -1 matches any size. Costs no device sync.
inline void check_shape(const at::Tensor& x, at::IntArrayRef expected, const char* name) {
  bool ok = x.dim() == static_cast<int64_t>(expected.size());
  for (size_t i = 0; ok && i < expected.size(); ++i) {
    ok = expected[i] < 0 || expected[i] == x.size(static_cast<int64_t>(i));
  }
  TORCH_CHECK(ok, name, ": expected shape ", expected, ", got ", x.sizes());
}

}  // namespace mentor
