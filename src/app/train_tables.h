#pragma once

#include "mentor/app/run_config.h"
#include "mentor/app/runtime.h"
#include "mentor/train/trainable.h"

#include <string>
#include <vector>

namespace mentor {

// What a run says before its first step.

/// Columns: module, parameters, trained, dtype.
[[nodiscard]] std::string module_table(const std::vector<ModuleRow>& rows);

/// The values that differ from the defaults, with where they come from.
[[nodiscard]] std::string changed_options(const LoadedRunConfig& run);

/// Program, machine, precision, ranks.
[[nodiscard]] std::string environment_text(const Runtime& runtime, int64_t world_size,
                                           const std::string& version, const std::string& revision);

}  // namespace mentor
