#pragma once

#include "mentor/app/runtime.h"

#include <string>

namespace mentor {

/// What model FLOPs utilisation is measured against.
struct PeakFlops {
  double per_second = 0;
  std::string source;  // "312 TFLOP/s: A100, dense bf16"
};

/// The data sheet's figure of dense bf16 for the GPUs it is known of; elsewhere, and for fp32, what
/// one large product of the run's dtype reaches here (a fraction of a second).
[[nodiscard]] PeakFlops peak_flops(const Runtime& runtime);

}  // namespace mentor
