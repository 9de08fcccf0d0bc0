#include "figures.h"

#include "mentor/core/format.h"

#include <cmath>

namespace mentor {
namespace {

std::string right_aligned(const std::string& text, int width) {
  return format("{:>{}}", text, width);
}

}  // namespace

std::string fit_number(double value, int width, int decimals) {
  if (!std::isfinite(value)) {
    return right_aligned(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf", width);
  }
  const auto room = static_cast<size_t>(width);
  const std::string shortest = format("{:.0e}", value);
  const bool vanishes = value != 0 && std::abs(value) < 0.5 * std::pow(10.0, -decimals);
  if (vanishes && shortest.size() <= room) return right_aligned(shortest, width);
  for (int d = decimals; d >= 0; --d) {
    const std::string text = format("{:.{}f}", value, d);
    if (text.size() <= room) return right_aligned(text, width);
  }
  return right_aligned(shortest, width);
}

std::string fit_thousands(double value) {
  if (!std::isfinite(value) || std::abs(value) < 999.5) return fit_number(value, 5, 1);
  if (value < 999'500) return fit_number(value / 1e3, 4, 1) + "k";
  if (value < 999'500'000) return fit_number(value / 1e6, 4, 2) + "M";
  return fit_number(value / 1e9, 4, 2) + "G";
}

std::string fit_percent(double share) { return fit_number(100 * share, 4, 1) + "%"; }

}  // namespace mentor
