#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace mentor {

/// Checks x against `expected`; -1 matches any size. Costs no device sync.
inline void check_shape(const at::Tensor& x, at::IntArrayRef expected, const char* name) {
  bool ok = x.dim() == static_cast<int64_t>(expected.size());
  for (size_t i = 0; ok && i < expected.size(); ++i) {
    ok = expected[i] < 0 || expected[i] == x.size(static_cast<int64_t>(i));
  }
  TORCH_CHECK(ok, name, ": expected shape ", expected, ", got ", x.sizes());
}

/// Most dimensions that ATen's kernels take.
constexpr size_t kMaxDimensions = 64;

/// Number of elements of a shape that was read from a file; nothing when it or the strides of a
/// contiguous tensor would overflow. Sizes must not be negative.
inline std::optional<int64_t> checked_numel(at::IntArrayRef sizes) {
  if (sizes.size() > kMaxDimensions) return std::nullopt;
  int64_t extent = 1;  // as if no size were 0: the strides are computed that way
  bool empty = false;
  for (const int64_t size : sizes) {
    empty = empty || size == 0;
    // Bytes must fit as well: 16 is the widest element.
    if (__builtin_mul_overflow(extent, std::max<int64_t>(size, 1), &extent) ||
        extent > INT64_MAX / 16) {
      return std::nullopt;
    }
  }
  return empty ? 0 : extent;
}

/// Row-major strides in elements.
inline std::vector<int64_t> contiguous_strides(at::IntArrayRef sizes) {
  std::vector<int64_t> strides(sizes.size(), 1);
  for (size_t i = sizes.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * std::max<int64_t>(sizes[i], 1);
  }
  return strides;
}

}  // namespace mentor
