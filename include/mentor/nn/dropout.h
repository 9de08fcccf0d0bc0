#pragma once

#include <ATen/core/Tensor.h>

namespace mentor {

// Inverted dropout: an element becomes 0 with the given probability and is divided by the
// probability of its survival otherwise. On a CPU the decision is a function of a seed, drawn once
// per call from LibTorch's default generator, and of the element's index: at::manual_seed() repeats
// it, the number of threads does not change it, and the gradient computes it again instead of
// keeping a mask. (ATen draws one number after the other.) Elsewhere at::dropout().

/// x itself outside training.
[[nodiscard]] at::Tensor drop(const at::Tensor& x, double probability, bool training);

/// residual + dropout(update) in one pass. residual: fp32; update: any dtype, of the same sizes.
[[nodiscard]] at::Tensor add_dropout(const at::Tensor& residual, const at::Tensor& update,
                                     double probability, bool training);

}  // namespace mentor
