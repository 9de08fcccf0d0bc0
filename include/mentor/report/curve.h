#pragma once

#include <span>
#include <vector>

namespace mentor {

struct Point {
  double x = 0;
  double y = 0;  // NaN: a gap
};
using Curve = std::vector<Point>;

struct Range {
  double low = 0;
  double high = 1;

  [[nodiscard]] double share(double value) const { return (value - low) / (high - low); }
};

/// Mean over about 2 % of the points, to both sides, so that it does not lag behind. Without gaps.
[[nodiscard]] Curve smooth(const Curve& curve);

/// At most four points in each of `columns` parts of `range`: the first, lowest, highest and last.
/// A peak of one point stays visible among a hundred thousand.
[[nodiscard]] Curve thin(const Curve& curve, Range range, int columns);

/// Where to draw the values of all the curves: with some room around them, or from 0 on. A few
/// outliers (gradient spikes) do not flatten the rest, they leave the range at the top.
[[nodiscard]] Range value_range(std::span<const Curve> curves, bool from_zero);

/// Round numbers inside the range, about `count` of them, and what they are multiples of: at least
/// `finest`.
struct Ticks {
  double step = 1;
  std::vector<double> values;
};
[[nodiscard]] Ticks ticks(Range range, int count, double finest = 0);

}  // namespace mentor
