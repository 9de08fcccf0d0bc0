#pragma once

#include "mentor/core/format.h"

#include <string>
#include <string_view>

namespace mentor::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };

/// Chooses what is shown on standard error. Rank 0 prefixes nothing; other ranks show
/// warnings and errors only, each line prefixed with the rank.
void configure(Level level, int rank = 0, int world_size = 1);
[[nodiscard]] Level parse_level(std::string_view name);  // debug | info | warn | error | off

/// Whether messages of this level are shown.
[[nodiscard]] bool shows(Level level);

void write(Level level, std::string_view message);

template <class... Args>
void debug(std::string_view pattern, const Args&... args) {
  write(Level::kDebug, format(pattern, args...));
}
template <class... Args>
void info(std::string_view pattern, const Args&... args) {
  write(Level::kInfo, format(pattern, args...));
}
template <class... Args>
void warn(std::string_view pattern, const Args&... args) {
  write(Level::kWarn, format(pattern, args...));
}
template <class... Args>
void error(std::string_view pattern, const Args&... args) {
  write(Level::kError, format(pattern, args...));
}

}  // namespace mentor::log
