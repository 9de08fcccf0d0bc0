#include "mentor/train/lr_schedule.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mentor {

LrShape parse_lr_shape(std::string_view name) {
  if (name == "cosine") return LrShape::kCosine;
  if (name == "linear") return LrShape::kLinear;
  if (name == "constant") return LrShape::kConstant;
  throw ConfigError(format("unknown learning-rate shape '{}' (cosine, linear or constant)", name));
}

double learning_rate(const LrSchedule& schedule, int64_t n) {
  const auto step = static_cast<double>(n);
  if (schedule.warmup > 0 && step <= schedule.warmup) {
    return schedule.peak * step / schedule.warmup;
  }
  const double progress = (step - schedule.warmup) / schedule.horizon;
  switch (schedule.shape) {
    case LrShape::kConstant:
      return schedule.peak;
    case LrShape::kLinear:
      return schedule.peak * std::max(0.0, 1 - progress);
    case LrShape::kCosine:
      break;
  }
  const double height = (1 + std::cos(std::numbers::pi * std::min(1.0, progress))) / 2;
  return schedule.peak * (schedule.final_ratio + (1 - schedule.final_ratio) * height);
}

}  // namespace mentor
