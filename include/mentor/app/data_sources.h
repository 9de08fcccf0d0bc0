#pragma once

#include "mentor/app/run_config.h"
#include "mentor/data/sample.h"

#include <optional>

namespace mentor {

// The data that a configuration names.

[[nodiscard]] SampleOptions sample_options(const RunConfig& config);

/// Nothing when the configuration names none.
[[nodiscard]] std::optional<Backgrounds> open_backgrounds(const DataConfig& data);

}  // namespace mentor
