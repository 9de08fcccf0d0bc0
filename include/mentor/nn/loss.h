#pragma once

#include <ATen/core/Tensor.h>

namespace mentor {

/// Cross-entropy of every image token: logits [B, T, V] fp32, targets int64 [B, T] -> [B, T].
/// Sums and means are the caller's: training divides by the global number of targets.
[[nodiscard]] at::Tensor token_losses(const at::Tensor& logits_BTV, const at::Tensor& targets_BT);

}  // namespace mentor
