#include "mentor/eval/comparison.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/evaluation.h"
#include "mentor/eval/rubric.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <string_view>
#include <vector>

namespace mentor {
namespace {

using json = nlohmann::ordered_json;

std::string describe(const JudgeIdentity& judge) {
  return format("{} ({}{}{})", judge.model, judge.rubric, judge.parameters.empty() ? "" : ", ",
                judge.parameters);
}

Ratings read_side(const fs::path& out) { return last_attempts(read_attempts(ratings_file(out))); }

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
std::string_view verdict(const std::optional<Interval>& interval) {
  if (!interval) return "";
  if (interval->low > 0) return "second";
  return interval->high < 0 ? "first" : "open";
}

std::string number(const std::optional<double>& value, const char* pattern) {
  return value ? format(pattern, *value) : "n/a";
}

std::string ends(const std::optional<Interval>& interval, const char* pattern) {
  return interval ? format(pattern, interval->low, interval->high) : "n/a";
}

/// Style is the name of two cells.
std::string row_name(Cell cell) {
  const std::string name(name_of(cell));
  if (cell == Cell::kStyle) return "CP Style";
  if (cell == Cell::kPromptStyle) return "PF Style";
  return name == "CP·PF" ? "CP*PF" : name;
}

void require_ratings(const Ratings& ratings, const fs::path& out) {
  if (!ratings.empty()) return;
  throw DataError(
      format("{}: no ratings: compare takes the evaluate.out folders of two methods, rated by "
             "'mentor evaluate judge'",
             ratings_file(out)));
}

RatingComparison compare_ratings(const Ratings& first, const Ratings& second,
                                 const ComparisonOptions& options) {
  const JudgeIdentity judge = only_judge(first, ratings_file(options.first));
  const JudgeIdentity other = only_judge(second, ratings_file(options.second));
  if (judge != other) {
    throw DataError(
        format("the judges differ, and with them what a score means: {} has {}, {} has {}: let one "
               "judge rate both",
               options.first, describe(judge), options.second, describe(other)));
  }
  const std::string_view part =
      changed_part(hashes_of(first, options.first), hashes_of(second, options.second));
  if (!part.empty()) {
    throw DataError(
        format("the rubrics differ, and with them what a score means: {} and {} follow different "
               "rules on '{}': let one judge rate both by the same",
               options.first, options.second, part));
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
      .judge = judge,
      .coverage = coverage,
      .cells = compare(item_scores(first, common), item_scores(second, common), options.bootstrap)};
}

constexpr const char* kLine = "{:<15} {:>6} {:>7} {:>11}  {:<17} {}\n";

std::string head_line(std::string_view what) {
  return "\n" + format(kLine, what, "first", "second", "difference", "95 % interval", "higher");
}

std::string rating_lines(const RatingComparison& rated) {
  std::string text = format("judge:  {}\n", describe(rated.judge));
  if (rated.coverage < 1) {
    text += format("of the {:.1f} % that have a score in both\n",
                   std::floor(1000 * rated.coverage) / 10);
  }
  text += head_line("");
  for (size_t i = 0; i < kNumCells; ++i) {
    const CellDifference& cell = rated.cells[i];
    text += format(kLine, row_name(static_cast<Cell>(i)), number(cell.first, "{:.3f}"),
                   number(cell.second, "{:.3f}"), number(cell.difference, "{:+.3f}"),
                   ends(cell.interval, "{:+.3f} to {:+.3f}"), verdict(cell.interval));
  }
  return text;
}

std::string likeness_lines(const std::vector<LikenessDifference>& likeness) {
  std::string text = head_line("100 x cosine");
  for (const LikenessDifference& metric : likeness) {
    text +=
        format(kLine, name_of(metric.metric), number(metric.first.value, "{:.2f}"),
               number(metric.second.value, "{:.2f}"), number(metric.difference.value, "{:+.2f}"),
               ends(metric.difference.interval, "{:+.2f} to {:+.2f}"),
               verdict(metric.difference.interval));
  }
  return text;
}

}  // namespace

MethodComparison compare_methods(const ComparisonOptions& options) {
  const Ratings first = read_side(options.first), second = read_side(options.second);
  MethodComparison comparison{
      .first = options.first.string(),
      .second = options.second.string(),
      .rated = std::nullopt,
      .likeness =
          compare_likeness(read_similarities(similarity_file(options.first)),
                           read_similarities(similarity_file(options.second)), options.bootstrap)};
  for (const LikenessDifference& metric : comparison.likeness) {
    if (metric.alone == 0 || options.allow_partial) continue;
    throw DataError(
        format("{}: {} pictures were measured of one method only: 'mentor evaluate embed' measures "
               "the rest, or --allow-partial compares those of both",
               name_of(metric.metric), metric.alone));
  }
  if (first.empty() && second.empty() && !comparison.likeness.empty()) return comparison;
  require_ratings(first, options.first);
  require_ratings(second, options.second);
  comparison.rated = compare_ratings(first, second, options);
  return comparison;
}

std::string comparison_text(const MethodComparison& comparison) {
  std::string text = format("first:  {}\nsecond: {}\n", comparison.first, comparison.second);
  if (comparison.rated) text += rating_lines(*comparison.rated);
  if (!comparison.likeness.empty()) text += likeness_lines(comparison.likeness);
  return text +
         "\nThe interval holds 95 % of the differences that drawing other subjects would give, "
         "the\nsame for both methods. open: it holds 0; these subjects do not tell which is "
         "higher.\n";
}

std::string comparison_json(const MethodComparison& comparison) {
  const auto entry = [](const std::optional<double>& first, const std::optional<double>& second,
                        const std::optional<double>& difference,
                        const std::optional<Interval>& interval) {
    const auto value = [](const std::optional<double>& number) {
      return number ? json(*number) : json();
    };
    return json{{"first", value(first)},
                {"second", value(second)},
                {"difference", value(difference)},
                {"low", interval ? json(interval->low) : json()},
                {"high", interval ? json(interval->high) : json()}};
  };
  json figures = {{"first", comparison.first}, {"second", comparison.second}};
  if (const auto& rated = comparison.rated) {
    figures["judge"] = rated->judge.model;
    figures["coverage"] = rated->coverage;
    for (size_t i = 0; i < kNumCells; ++i) {
      const CellDifference& cell = rated->cells[i];
      figures["cells"][std::string(key_of(static_cast<Cell>(i)))] =
          entry(cell.first, cell.second, cell.difference, cell.interval);
    }
  }
  for (const LikenessDifference& metric : comparison.likeness) {
    figures["likeness"][std::string(key_of(metric.metric))] =
        entry(metric.first.value, metric.second.value, metric.difference.value,
              metric.difference.interval);
  }
  return figures.dump(2) + "\n";
}

}  // namespace mentor
