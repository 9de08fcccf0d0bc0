#include "mentor/eval/input.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

namespace mentor {
namespace {

void require_named(const fs::path& path, const char* key, const char* what) {
  if (path.empty()) throw ConfigError(format("evaluate.{}: is not set: name {}", key, what));
}

}  // namespace

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

EvaluationInput find_input(const EvaluateConfig& config, std::vector<std::string>& problems) {
  require_named(config.dataset, "dataset", "the folder of the data set");
  require_named(config.samples, "samples", "the folder of one method's pictures");
  EvaluationInput input;
  input.dataset = read_dataset(config.dataset, parse_categories(config.categories), problems);
  if (input.dataset.subjects.empty()) throw DataError(joined_lines(problems));
  SampleSet samples = read_samples(config.samples, input.dataset, config.samples_per_prompt);
  problems.insert(problems.end(), samples.problems.begin(), samples.problems.end());
  if (!config.allow_partial) {
    problems.insert(problems.end(), samples.missing.begin(), samples.missing.end());
  }
  input.items = std::move(samples.items);
  input.missing = std::move(samples.missing);
  input.other_captions = std::move(samples.other_captions);
  return input;
}

EvaluationInput read_input(const EvaluateConfig& config) {
  std::vector<std::string> problems;
  EvaluationInput input = find_input(config, problems);
  if (!problems.empty()) throw DataError(joined_lines(problems));
  return input;
}

}  // namespace mentor
