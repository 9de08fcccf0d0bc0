#pragma once

#include "mentor/eval/bootstrap.h"
#include "mentor/eval/store.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mentor {

/// The columns of the leaderboard: CP by the subject's category and of all, PF by the prompt's
/// group and of all, and their product; and MENTOR's quotient, high for a method that copies.
enum class Cell {
  kAnimal,
  kHuman,
  kObject,
  kStyle,
  kCp,
  kPhotorealistic,
  kPromptStyle,
  kImaginative,
  kPf,
  kProduct,
  kRatio,
};
inline constexpr size_t kNumCells = 11;
inline constexpr double kNoScore = std::numeric_limits<double>::quiet_NaN();

/// "Animal", ..., "CP·PF", "CP/PF"
[[nodiscard]] std::string_view name_of(Cell cell);
/// "animal", ..., "cp_pf", "cp_over_pf": of a file's column
[[nodiscard]] std::string_view key_of(Cell cell);

/// Something to be rated, and its score.
struct ItemScore {
  RatingKey key;
  std::optional<int64_t> score;  // 0 to 4; none: not rated
};

/// Values of all cells in [0, 1]; NaN: nothing of it was rated.
using Cells = std::array<double, kNumCells>;

struct CellScore {
  std::optional<double> value;  // mean over runs, to 3 decimals; product and quotient: of those
  std::optional<Interval> interval;
  std::optional<double> deviation;  // over runs (divisor: runs - 1); none for a single run
  int64_t rated = 0, expected = 0;  // of both tasks together: none where one was not asked about
  Interval bounds;                  // of the value if what is missing were 0, or 4
};

/// A row of the leaderboard with what is to be known of it.
struct ScoreTable {
  std::array<CellScore, kNumCells> cells;
  int64_t runs = 0, subjects = 0;

  [[nodiscard]] const CellScore& operator[](Cell cell) const {
    return cells[static_cast<size_t>(cell)];
  }
  /// Ratings of both tasks that there are, and that were to be made.
  [[nodiscard]] int64_t rated() const;
  [[nodiscard]] int64_t expected() const;
  /// The share of these.
  [[nodiscard]] double coverage() const;
};

/// Micro-averages over items, divided by 4; intervals from drawing subjects again within their
/// categories, none for a cell of a single subject.
[[nodiscard]] ScoreTable aggregate(std::span<const ItemScore> items,
                                   const BootstrapOptions& options = {});

struct CellDifference {
  std::optional<double> first, second;
  std::optional<double> difference;  // second - first
  std::optional<Interval> interval;
};

/// The difference of two methods, subjects drawn together. DataError where one of them has a
/// subject that the other lacks.
[[nodiscard]] std::array<CellDifference, kNumCells> compare(std::span<const ItemScore> first,
                                                            std::span<const ItemScore> second,
                                                            const BootstrapOptions& options = {});

}  // namespace mentor
