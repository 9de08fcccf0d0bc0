#pragma once

#include "mentor/eval/scores.h"
#include "mentor/eval/store.h"

#include <array>
#include <string>

namespace mentor {

/// Two methods on the same subjects, rated by the same judge.
struct MethodComparison {
  std::string first, second;  // folders
  JudgeIdentity judge;
  double coverage = 1;  // rated of both
  std::array<CellDifference, kNumCells> cells;
};

struct ComparisonOptions {
  fs::path first, second;      // evaluate.out of each
  bool allow_partial = false;  // compare what both have a score of
  BootstrapOptions bootstrap;
};

/// DataError where the judges or the subjects differ and, without allow_partial, where an item has
/// no score.
[[nodiscard]] MethodComparison compare_methods(const ComparisonOptions& options);

/// A table and what its intervals mean.
[[nodiscard]] std::string comparison_text(const MethodComparison& comparison);
[[nodiscard]] std::string comparison_json(const MethodComparison& comparison);

}  // namespace mentor
