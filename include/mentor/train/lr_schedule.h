#pragma once

#include <cstdint>
#include <string_view>

namespace mentor {

enum class LrShape { kCosine, kLinear, kConstant };

/// "cosine", "linear" or "constant"; ConfigError for another word.
[[nodiscard]] LrShape parse_lr_shape(std::string_view name);

/// Warm-up from 0, then decay (reference scheduler.py, AnnealingLR). Steps of any one kind.
struct LrSchedule {
  double peak = 0;
  double warmup = 0;   // steps, need not be whole; 0: none
  double horizon = 1;  // steps of the decay, counted from the end of the warm-up
  LrShape shape = LrShape::kCosine;
  double final_ratio = 0.1;  // of the peak, where the cosine ends
};

/// The rate of step n, from 1; the reference begins with n = 0, whose rate is 0 (training.md
/// section 5, row 4). A pure function, so resuming needs no state. Unlike the reference, the
/// linear shape stays at 0 once it is there instead of going below.
[[nodiscard]] double learning_rate(const LrSchedule& schedule, int64_t n);

}  // namespace mentor
