#include "mentor/eval/comparison.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/evaluation.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <string_view>
#include <vector>

namespace mentor {
namespace {

std::string describe(const JudgeIdentity& judge) {
  return format("{} ({}{}{})", judge.model, judge.rubric, judge.parameters.empty() ? "" : ", ",
                judge.parameters);
}

Ratings read_side(const fs::path& out) {
  Ratings ratings = last_attempts(read_attempts(ratings_file(out)));
  if (ratings.empty()) {
    throw DataError(
        format("{}: no ratings: compare takes the evaluate.out folders of two methods, rated by "
               "'mentor evaluate judge'",
               ratings_file(out)));
  }
  return ratings;
}

/// Rated in every run that either has of it, so that both sides mean the same pictures.
Ratings scored_in_both(const Ratings& one, const Ratings& other) {
  Ratings both;
  for (const auto& [key, attempt] : one) {
    const auto found = other.find(key);
    if (found != other.end() && attempt.score && found->second.score) both.emplace(key, attempt);
  }
  return both;
}

/// What an interval says about which is better; no probability of anything.
std::string_view verdict(const CellDifference& cell) {
  if (!cell.interval) return "";
  if (cell.interval->low > 0) return "second";
  return cell.interval->high < 0 ? "first" : "open";
}

std::string number(const std::optional<double>& value, const char* pattern) {
  return value ? format(pattern, *value) : "n/a";
}

/// Style is the name of two cells.
std::string row_name(Cell cell) {
  const std::string name(name_of(cell));
  if (cell == Cell::kStyle) return "CP Style";
  if (cell == Cell::kPromptStyle) return "PF Style";
  return name == "CP·PF" ? "CP*PF" : name;
}

}  // namespace

MethodComparison compare_methods(const ComparisonOptions& options) {
  const Ratings first = read_side(options.first), second = read_side(options.second);
  const JudgeIdentity judge = only_judge(first, ratings_file(options.first));
  const JudgeIdentity other = only_judge(second, ratings_file(options.second));
  if (judge != other) {
    throw DataError(
        format("the judges differ, and with them what a score means: {} has {}, {} has {}: let one "
               "judge rate both",
               options.first, describe(judge), options.second, describe(other)));
  }
  Ratings expected = first;
  expected.insert(second.begin(), second.end());
  const Ratings common = scored_in_both(first, second);
  const double coverage = static_cast<double>(common.size()) / static_cast<double>(expected.size());
  if (common.size() < expected.size() && !options.allow_partial) {
    throw DataError(
        format("{} of {} items have a score in both {} and {}: judge the rest, or --allow-partial "
               "compares these alone",
               common.size(), expected.size(), options.first, options.second));
  }
  if (common.empty()) throw DataError("no item has a score in both: nothing to compare");
  return {
      .first = options.first.string(),
      .second = options.second.string(),
      .judge = judge,
      .coverage = coverage,
      .cells = compare(item_scores(first, common), item_scores(second, common), options.bootstrap)};
}

std::string comparison_text(const MethodComparison& comparison) {
  std::string text = format("first:  {}\nsecond: {}\njudge:  {}\n", comparison.first,
                            comparison.second, describe(comparison.judge));
  if (comparison.coverage < 1) {
    text += format("of the {:.1f} % that have a score in both\n",
                   std::floor(1000 * comparison.coverage) / 10);
  }
  text += format("\n{:<15} {:>6} {:>7} {:>11}  {:<17} {}\n", "", "first", "second", "difference",
                 "95 % interval", "higher");
  for (size_t i = 0; i < kNumCells; ++i) {
    const CellDifference& cell = comparison.cells[i];
    const std::string interval =
        cell.interval ? format("{:+.3f} to {:+.3f}", cell.interval->low, cell.interval->high)
                      : "n/a";
    text += format("{:<15} {:>6} {:>7} {:>11}  {:<17} {}\n", row_name(static_cast<Cell>(i)),
                   number(cell.first, "{:.3f}"), number(cell.second, "{:.3f}"),
                   number(cell.difference, "{:+.3f}"), interval, verdict(cell));
  }
  return text +
         "\nThe interval holds 95 % of the differences that drawing other subjects would give, "
         "the\nsame for both methods. open: it holds 0; these subjects do not tell which is "
         "higher.\n";
}

std::string comparison_json(const MethodComparison& comparison) {
  using json = nlohmann::ordered_json;
  const auto value = [](const std::optional<double>& number) {
    return json(number ? json(*number) : json());
  };
  json cells;
  for (size_t i = 0; i < kNumCells; ++i) {
    const CellDifference& cell = comparison.cells[i];
    const Interval ends = cell.interval.value_or(Interval{kNoScore, kNoScore});
    cells[std::string(key_of(static_cast<Cell>(i)))] = {
        {"first", value(cell.first)},
        {"second", value(cell.second)},
        {"difference", value(cell.difference)},
        {"low", cell.interval ? json(ends.low) : json()},
        {"high", cell.interval ? json(ends.high) : json()}};
  }
  return json{{"first", comparison.first},
              {"second", comparison.second},
              {"judge", comparison.judge.model},
              {"coverage", comparison.coverage},
              {"cells", cells}}
             .dump(2) +
         "\n";
}

}  // namespace mentor
