#pragma once

#include <string>

namespace mentor {

/// `value` in exactly `width` characters wherever that is possible: with as many of `decimals` as
/// fit, in exponent form ("3e-05") where none do or where nothing but zeros would be left; "nan",
/// "inf".
[[nodiscard]] std::string fit_number(double value, int width, int decimals);

/// Three digits and k, M or G in five characters: "41.2k".
[[nodiscard]] std::string fit_thousands(double value);

/// 0.381 -> "38.1%" in five characters.
[[nodiscard]] std::string fit_percent(double share);

}  // namespace mentor
