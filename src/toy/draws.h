#pragma once

#include "mentor/core/random.h"

#include <cstdint>
#include <string_view>

namespace mentor {

/// The random choices of one thing, each from a stream with its name: another choice more changes
/// none of the others.
class Draws {
 public:
  explicit Draws(uint64_t seed) : seed_(seed) {}

  [[nodiscard]] uint64_t seed_of(std::string_view choice) const {
    return stream_seed(seed_, choice);
  }
  [[nodiscard]] double unit(std::string_view choice) const {
    return unit_interval(seed_of(choice));
  }
  [[nodiscard]] bool chance(std::string_view choice, double probability) const {
    return unit(choice) < probability;
  }
  /// Of 0 ... count - 1.
  [[nodiscard]] int pick(std::string_view choice, int count) const {
    return static_cast<int>(unit(choice) * count);
  }
  /// Between -1 and 1.
  [[nodiscard]] double symmetric(std::string_view choice) const { return 2 * unit(choice) - 1; }

 private:
  uint64_t seed_;
};

}  // namespace mentor
