#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/rubric.h"
#include "mentor/eval/store.h"

#include <string_view>
#include <vector>

namespace mentor {

/// Tokens of one question and its answer.
struct TokenCount {
  double input = 0, output = 0;
};

/// A guess from the lengths of the texts and judge.image_tokens: GPT-4o's tokens of English have
/// 5.2 bytes.
[[nodiscard]] TokenCount expected_tokens(const JudgeConfig& config, const RubricTexts& rubric,
                                         RatingTask task, std::string_view caption);

/// In the currency of the prices.
[[nodiscard]] double price_of(const JudgeConfig& config, const TokenCount& tokens);

/// What all attempts together have cost.
[[nodiscard]] double total_cost(const std::vector<Attempt>& attempts);

}  // namespace mentor
