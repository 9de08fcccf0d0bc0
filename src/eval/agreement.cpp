#include "mentor/eval/agreement.h"

#include <algorithm>
#include <cmath>

namespace mentor {

std::optional<double> krippendorff_alpha(std::span<const std::vector<double>> units) {
  double count = 0, sum = 0, squares = 0;  // of pairable values
  double observed = 0;                     // sum over units of their pairs' squared differences
  for (const std::vector<double>& values : units) {
    const auto m = static_cast<double>(values.size());
    if (m < 2) continue;
    double a = 0, b = 0;
    for (const double x : values) {
      a += x;
      b += x * x;
    }
    observed += (2 * m * b - 2 * a * a) / (m - 1);
    count += m;
    sum += a;
    squares += b;
  }
  if (count < 2) return std::nullopt;
  const double expected = (2 * count * squares - 2 * sum * sum) / (count * (count - 1));
  if (expected <= 0) return std::nullopt;
  return 1 - observed / count / expected;
}

std::optional<double> pearson(std::span<const double> x, std::span<const double> y) {
  const size_t n = std::min(x.size(), y.size());
  if (n < 2) return std::nullopt;
  double mean_x = 0, mean_y = 0;
  for (size_t i = 0; i < n; ++i) {
    mean_x += x[i] / static_cast<double>(n);
    mean_y += y[i] / static_cast<double>(n);
  }
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < n; ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (xx == 0 || yy == 0) return std::nullopt;
  return xy / std::sqrt(xx * yy);
}

}  // namespace mentor
