#pragma once

#include "mentor/app/run_config.h"
#include "mentor/data/sample.h"
#include "mentor/text/tokenizer.h"

#include <optional>

namespace mentor {

// The data that a configuration names.

[[nodiscard]] SampleOptions sample_options(const RunConfig& config);

/// The configured tokenizer. ConfigError naming the key to put right when none is configured or its
/// <image> has another id than the model's.
[[nodiscard]] Tokenizer open_tokenizer(const RunConfig& config);

/// Nothing when the configuration names none.
[[nodiscard]] std::optional<Backgrounds> open_backgrounds(const DataConfig& data);

}  // namespace mentor
