#pragma once

#include "mentor/app/run_config.h"

#include <iosfwd>

namespace mentor {

/// Draws every picture of the data set that evaluate.samples lacks: all subjects x nine prompts x
/// samples, in the layout of the published samples. One rank of `mentor launch` takes each n-th
/// prompt; ranks, batches and interruptions change no picture. UserError for all that can be put
/// right, before the models are loaded as far as it can be known then.
void generate_samples(const LoadedRunConfig& run, std::ostream& out);

}  // namespace mentor
