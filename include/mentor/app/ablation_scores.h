#pragma once

#include "mentor/core/filesystem.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mentor {

/// Columns of the table. All but the two that follow from CP and PF are figures of every picture in
/// a file of scores (`mentor toy score --json`), under these names.
inline constexpr std::array<std::string_view, 13> kAblationFigures = {
    "CP",      "untold CP",  "PF",     "CP*PF", "CP/PF", "shape", "first colour", "second colour",
    "pattern", "background", "number", "size",  "place"};
inline constexpr size_t kCpFigure = 0, kUntoldFigure = 1, kPfFigure = 2, kProductFigure = 3,
                        kRatioFigure = 4;

/// One picture: whom it shows, and its figures; NaN for those that it has not.
struct PictureScore {
  int64_t identity = 0;
  std::array<double, kAblationFigures.size()> figures{};
};

/// DataError naming the file when it is none of scores.
[[nodiscard]] std::vector<PictureScore> read_picture_scores(const fs::path& file);

/// The pictures of one row, by seed.
using RowScores = std::vector<std::vector<PictureScore>>;

/// A mean with its 95 % interval over seeds and identities; with one seed over identities alone.
struct Estimate {
  double mean = 0, low = 0, high = 0;
};

struct RowEstimates {
  std::array<Estimate, kAblationFigures.size()> figures;
  std::array<Estimate, kAblationFigures.size()> differences;  // to the reference row
  std::array<std::vector<double>, kAblationFigures.size()> by_seed;
};

/// CP*PF and CP/PF are those of the mean CP and PF, as in the paper. Every seed draws the same
/// cases and is compared with itself. Intervals are Student's: the variance of the mean between
/// seeds and that between identities (by a bootstrap) add up, with Satterthwaite's degrees of
/// freedom. The rows have equally many seeds.
[[nodiscard]] std::vector<RowEstimates> estimate_rows(const std::vector<RowScores>& rows,
                                                      size_t reference);

enum class Agreement { kYes, kNo, kWithinNoise };
/// Whether a difference has the sign that the paper's has; within noise: the interval holds 0.
[[nodiscard]] Agreement agreement(double paper_difference, const Estimate& difference);
[[nodiscard]] std::string_view name_of(Agreement agreement);  // "within noise"

}  // namespace mentor
