#pragma once

#include <optional>
#include <span>
#include <vector>

namespace mentor {

/// Krippendorff's alpha at interval level over units, each with the values that its raters gave; a
/// missing value is simply not there. 1: they agree, 0: as chance would. None where fewer than two
/// values can be paired or all are equal.
[[nodiscard]] std::optional<double> krippendorff_alpha(std::span<const std::vector<double>> units);

/// Pearson's correlation; none for fewer than two pairs and where either side is constant.
[[nodiscard]] std::optional<double> pearson(std::span<const double> x, std::span<const double> y);

}  // namespace mentor
