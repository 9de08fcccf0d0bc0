#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace mentor {

struct BootstrapOptions {
  int64_t draws = 10'000;
  uint64_t seed = 0;
};

/// Draws subjects again, with replacement, as many of each stratum as it has: what the nine
/// pictures of one subject share is drawn with them. `stratum[i]` belongs to subject i;
/// `use(times)` receives how often each was drawn.
void draw_subjects(std::span<const int> stratum, const BootstrapOptions& options,
                   const std::function<void(std::span<const int>)>& use);

struct Interval {
  double low = 0, high = 0;
};

/// The middle 95 % of `values`; NaN are left out. None where nothing is left.
[[nodiscard]] std::optional<Interval> middle_95(std::vector<double> values);

}  // namespace mentor
