#pragma once

#include "mentor/app/run_config.h"

#include <iosfwd>

namespace mentor {

/// The whole protocol: draws the pictures (unless evaluate.samples holds those of another method),
/// checks them, measures likeness where evaluate.embed names networks, says what the judge will
/// cost, asks it, writes the report. Each step goes on where an earlier call ended, so the same
/// command again does what is left. Of several ranks all draw, and the first does the rest.
void run_evaluation(const LoadedRunConfig& run, std::ostream& out);

}  // namespace mentor
