#pragma once

#include "mentor/eval/scores.h"
#include "mentor/eval/similarity_scores.h"
#include "mentor/eval/store.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// Of the ratings of one judge.
struct RatingComparison {
  JudgeIdentity judge;
  double coverage = 1;  // rated of both
  std::array<CellDifference, kNumCells> cells;
};

/// Two methods on the same subjects: what a judge rated, what was measured, or both.
struct MethodComparison {
  std::string first, second;  // folders
  std::optional<RatingComparison> rated;
  std::vector<LikenessDifference> likeness;
};

struct ComparisonOptions {
  fs::path first, second;      // evaluate.out of each
  bool allow_partial = false;  // compare what both have a score of
  BootstrapOptions bootstrap;
};

/// DataError where the judges, their rubrics, the networks or the subjects differ, where one method
/// is rated and the other is not and, without allow_partial, where an item has no score or no
/// measurement.
[[nodiscard]] MethodComparison compare_methods(const ComparisonOptions& options);

/// A table and what its intervals mean.
[[nodiscard]] std::string comparison_text(const MethodComparison& comparison);
[[nodiscard]] std::string comparison_json(const MethodComparison& comparison);

}  // namespace mentor
