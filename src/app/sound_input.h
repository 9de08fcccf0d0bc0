#pragma once

#include "mentor/app/run_config.h"
#include "mentor/eval/input.h"

#include <cstdint>

namespace mentor {

struct SoundInput {
  EvaluationInput input;
  int64_t num_not_square = 0;  // of its pictures
};

/// Reads data set and samples and decodes every picture. DataError with all that is missing or
/// damaged, a line each. With evaluate.allow_partial damaged pictures of the samples are missing,
/// too.
[[nodiscard]] SoundInput read_sound_input(const RunConfig& config);

}  // namespace mentor
