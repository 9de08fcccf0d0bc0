#include "mentor/report/curve.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace mentor {

Curve smooth(const Curve& curve) {
  Curve known;
  std::copy_if(curve.begin(), curve.end(), std::back_inserter(known),
               [](const Point& point) { return std::isfinite(point.y); });
  std::vector<double> sums = {0};
  for (const Point& point : known) sums.push_back(sums.back() + point.y);
  const size_t radius = known.size() / 100, count = known.size();
  for (size_t i = 0; i < count; ++i) {
    const size_t left = std::min(radius, i);
    // Near the beginning as far as to the left: there the curve is steep.
    const size_t right =
        i < radius ? std::min(left, count - 1 - i) : std::min(radius, count - 1 - i);
    known[i].y = (sums[i + right + 1] - sums[i - left]) / static_cast<double>(left + right + 1);
  }
  return known;
}

Curve thin(const Curve& curve, Range range, int columns) {
  if (curve.size() <= static_cast<size_t>(4 * columns)) return curve;
  const auto column_of = [&](const Point& p) { return std::floor(range.share(p.x) * columns); };
  Curve result;
  for (auto begin = curve.begin(); begin != curve.end();) {
    const double column = column_of(*begin);
    const auto end =
        std::find_if(begin, curve.end(), [&](const Point& p) { return column_of(p) != column; });
    std::vector<Curve::const_iterator> kept = {begin, end - 1};
    for (auto it = begin; it != end; ++it) {
      if (!std::isfinite(it->y)) continue;
      if (kept.size() == 2) kept.insert(kept.end(), {it, it});
      if (it->y < kept[2]->y) kept[2] = it;
      if (it->y > kept[3]->y) kept[3] = it;
    }
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (const auto it : kept) result.push_back(*it);
    begin = end;
  }
  return result;
}

Range value_range(std::span<const Curve> curves, bool from_zero) {
  std::vector<double> values;
  for (const Curve& curve : curves) {
    for (const Point& point : curve) {
      if (std::isfinite(point.y)) values.push_back(point.y);
    }
  }
  if (values.empty()) return {0, 1};
  const auto [low_it, high_it] = std::minmax_element(values.begin(), values.end());
  double low = *low_it, high = *high_it;
  const auto most = values.begin() + static_cast<int64_t>(values.size() * 99 / 100);
  std::nth_element(values.begin(), most, values.end());
  if (low >= 0 && high > 3 * *most && *most > 0) high = 1.5 * *most;
  if (from_zero) low = std::min(low, 0.0);
  double room = 0.06 * (high - low);
  if (room == 0) room = high == 0 ? 1 : 0.1 * std::abs(high);
  const bool touches_zero = low >= 0 && low - room < 0;
  return {from_zero || touches_zero ? std::min(low, 0.0) : low - room, high + room};
}

Ticks ticks(Range range, int count, double finest) {
  const double wanted = (range.high - range.low) / count;
  const double unit = std::pow(10.0, std::floor(std::log10(wanted)));
  double step = 10 * unit;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * unit >= wanted) step = factor * unit;
  }
  step = std::max(step, finest);
  Ticks result{.step = step, .values = {}};
  for (double i = std::ceil(range.low / step - 1e-9); i * step <= range.high + 1e-9 * step; ++i) {
    result.values.push_back(i * step);
  }
  return result;
}

}  // namespace mentor
