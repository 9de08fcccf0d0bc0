#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mentor {

/// Features as the reference hands them to its decoder: right-aligned in `cond_len` rows.
struct ConditionPrefix {
  at::Tensor prefix_BLD;  // the n valid rows at the right end, zeros before them
  at::Tensor mask_BL;     // int64, 1 on the last n columns
};

/// For comparisons with the reference; our decoder takes packed rows. Differentiable.
[[nodiscard]] ConditionPrefix left_padded_prefix(const at::Tensor& features_BSD,
                                                 at::IntArrayRef lengths, int64_t cond_len);

/// The valid rows of all samples behind each other: [sum of lengths, D]. Differentiable.
[[nodiscard]] at::Tensor pack_rows(const at::Tensor& features_BSD, at::IntArrayRef lengths);

}  // namespace mentor
