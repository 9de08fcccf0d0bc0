#pragma once

#include "mentor/eval/dataset.h"
#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/samples.h"

#include <string>
#include <vector>

namespace mentor {

/// What an evaluation is about.
struct EvaluationInput {
  Dataset dataset;
  std::vector<SampleFiles> items;  // all of them; incomplete ones with allow_partial only
  std::vector<std::string> missing;
  std::vector<std::string> other_captions;  // see SampleSet
};

/// Reads data set and samples without decoding pictures. DataError with all that is wrong, a line
/// each; missing pictures are wrong unless config.allow_partial.
[[nodiscard]] EvaluationInput read_input(const EvaluateConfig& config);

/// The same, but what is wrong goes to `problems`; DataError only where no subject is left.
[[nodiscard]] EvaluationInput find_input(const EvaluateConfig& config,
                                         std::vector<std::string>& problems);

/// The lines of a message that names several problems.
[[nodiscard]] std::string joined_lines(const std::vector<std::string>& lines);

}  // namespace mentor
