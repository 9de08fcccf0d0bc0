#pragma once

#include "mentor/app/run_config.h"

#include <iosfwd>

namespace mentor {

// What `mentor evaluate` does.

/// Reads the data set and the samples whole and decodes every picture. DataError with all that is
/// missing or damaged, a line each.
void validate_evaluation(const RunConfig& config, std::ostream& out);

}  // namespace mentor
