#pragma once

#include "mentor/app/run_config.h"

#include <iosfwd>

namespace mentor {

// What `mentor evaluate` does.

/// Asks the judge for every rating that the ratings file lacks. UserError when some have no score
/// in the end (with allow_partial: a warning, unless none has one); the same command then asks for
/// those again. Writes config_judge.yaml beside them.
void judge_evaluation(const LoadedRunConfig& run, std::ostream& out);

/// Prints how many questions judge_evaluation() would ask, and what they would cost.
void estimate_evaluation(const LoadedRunConfig& run, std::ostream& out);

/// Reads the stored answers again, by evaluate.judge.parser.
void reparse_evaluation(const LoadedRunConfig& run, std::ostream& out);

/// Reads the data set and the samples whole and decodes every picture. DataError with all that is
/// missing or damaged, a line each.
void validate_evaluation(const LoadedRunConfig& run, std::ostream& out);

}  // namespace mentor
