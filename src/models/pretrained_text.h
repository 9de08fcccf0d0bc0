#pragma once

#include "mentor/models/pretrained.h"

#include <string>

namespace mentor {

/// Why the weights do not fit and how to put it right: a line for each file and kind of problem.
[[nodiscard]] std::string misfit_message(const ModelConfig& config, const WeightsConfig& weights,
                                         const PretrainedReport& report);

}  // namespace mentor
