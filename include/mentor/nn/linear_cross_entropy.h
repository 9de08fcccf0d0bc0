#pragma once

#include <ATen/core/Tensor.h>

namespace mentor {

// S rows, D width, V classes

struct WeightedLosses {
  at::Tensor sum;       // fp32 scalar, sum of weights_S * losses_S: the one to differentiate
  at::Tensor losses_S;  // fp32, for reports: carries no gradient
};

/// Cross-entropy of softmax(x Wᵀ) against targets (int64 [S]), row s counting weights_S[s] (fp32)
/// times: training passes 1 / the global number of targets. Because the weights are known here,
/// the forward pass forms the gradients as well, a chunk of rows at a time in the memory of the
/// logits, which never exist as a whole in fp32. x and W are of one dtype; the logits are rounded
/// to it, as the model's own.
[[nodiscard]] WeightedLosses linear_cross_entropy(const at::Tensor& x_SD,
                                                  const at::Tensor& weight_VD,
                                                  const at::Tensor& targets_S,
                                                  const at::Tensor& weights_S);

}  // namespace mentor
