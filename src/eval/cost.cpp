#include "mentor/eval/cost.h"

namespace mentor {
namespace {

constexpr double kBytesPerToken = 5.2;
constexpr double kTokensOfTurns = 12;      // what marks the turns
constexpr double kTokensOfScore = 6;       // "Score: 3"
constexpr double kTokensOfAnalysis = 200;  // of 82 stored answers on PF

}  // namespace

TokenCount expected_tokens(const JudgeConfig& config, const RubricTexts& rubric, RatingTask task,
                           std::string_view caption) {
  const auto image = static_cast<double>(config.image_tokens);
  const auto words = static_cast<double>(rubric.user.size() + rubric.assistant.size());
  const double rules = words / kBytesPerToken + kTokensOfTurns;
  if (task == RatingTask::kCp) return {.input = rules + 2 * image, .output = kTokensOfScore};
  return {.input = rules + image + static_cast<double>(caption.size()) / kBytesPerToken,
          .output = kTokensOfAnalysis};
}

double price_of(const JudgeConfig& config, const TokenCount& tokens) {
  return (tokens.input * config.price_input + tokens.output * config.price_output) / 1e6;
}

double total_cost(const std::vector<Attempt>& attempts) {
  double cost = 0;
  for (const Attempt& attempt : attempts) cost += attempt.cost;
  return cost;
}

}  // namespace mentor
