#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mentor {

enum class NormActivation { kNone, kSwish };  // swish(x) = x * sigmoid(x)

struct GroupNormArgs {
  int64_t groups;
  at::Tensor weight, bias;  // [C]
  double eps;
  NormActivation activation = NormActivation::kNone;
  /// The caller has no further use for x: its memory may take the result.
  bool overwrite = false;
};

/// GroupNorm and its activation for x [B, C, H, W]. A channels_last fp32 or bf16 tensor on the
/// CPU that needs no gradient takes two passes over memory (statistics, then normalise and
/// activate; ATen: four); everything else takes ATen's operators. The result of a sample does not
/// depend on its batch or on the number of threads.
[[nodiscard]] at::Tensor group_norm(const at::Tensor& x_NCHW, const GroupNormArgs& args);

}  // namespace mentor
