#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/rubric.h"
#include "mentor/eval/samples.h"
#include "mentor/eval/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// One rating that is wanted. Hashes are of the files' bytes.
struct Question {
  RatingKey key;
  fs::path reference, generated;
  std::string caption;
  std::string prompt_sha256, reference_sha256, generated_sha256, content_key;
  int64_t answers = 0;  // that are stored of this very question: each took a seed

  /// An attempt at it with what is known before the answer.
  [[nodiscard]] Attempt attempt(const JudgeIdentity& judge) const;
};

/// SHA-256 of all that the judge's answer to it depends on.
[[nodiscard]] std::string content_key_of(const JudgeIdentity& judge, const Question& question);

/// All ratings of complete samples: run by run, in the order of the samples.
[[nodiscard]] std::vector<Question> wanted_ratings(const EvaluateConfig& config,
                                                   const std::vector<SampleFiles>& items,
                                                   const Rubric& rubric,
                                                   const JudgeIdentity& judge);

/// The tasks of the configuration, each once; ConfigError for a word that is none.
[[nodiscard]] std::vector<RatingTask> chosen_tasks(const EvaluateConfig& config);

[[nodiscard]] std::string utc_time();

}  // namespace mentor
