#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/samples.h"
#include "mentor/eval/store.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// Where the ratings of an evaluation stand.
struct JudgingState {
  int64_t wanted = 0;                  // pictures x tasks x runs
  int64_t before = 0;                  // of them, ratings that an earlier run had made
  std::array<int64_t, 5> by_status{};  // of those wanted, by the last attempt's RatingStatus
  double cost = 0;                     // of all attempts ever made

  [[nodiscard]] int64_t count(RatingStatus status) const {
    return by_status.at(static_cast<size_t>(status));
  }
  [[nodiscard]] std::string text() const;  // "ok 2690, parse_error 8, refused 2"
};

/// Asks the judge for all ratings that the ratings file lacks, and keeps every attempt there. A
/// rating whose picture or caption has changed is made again, unless the file has an answer for
/// these, too, from before they were others. UserError when the file holds ratings of another judge
/// or by another rubric, and what the judge throws.
JudgingState judge_samples(const EvaluateConfig& config, const std::vector<SampleFiles>& items);

/// What judge_samples() would ask.
struct CostEstimate {
  int64_t cp_questions = 0, pf_questions = 0;
  double input_tokens = 0, output_tokens = 0;
  double cost = 0;
  double spent = 0;       // by the attempts there are
  bool measured = false;  // from their tokens, not from the lengths of texts
};
[[nodiscard]] CostEstimate estimate_cost(const EvaluateConfig& config,
                                         const std::vector<SampleFiles>& items);

/// Reads all stored answers about the pictures that are rated again by judge.parser, without a
/// question: of several to one question the last one with a score counts. Appends what changed and
/// returns how many that are. Scores without an answer, from files of others, stay.
int64_t reparse_answers(const EvaluateConfig& config);

}  // namespace mentor
