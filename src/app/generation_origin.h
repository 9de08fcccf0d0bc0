#pragma once

#include "mentor/app/run_config.h"
#include "mentor/app/runtime.h"
#include "mentor/eval/sample_folder.h"

namespace mentor {

/// What pictures depend on that a model draws: settings of the section generate, device and number
/// format, hashes of the weights.
[[nodiscard]] SampleOrigin generation_origin(const RunConfig& config, const Runtime& runtime);

}  // namespace mentor
