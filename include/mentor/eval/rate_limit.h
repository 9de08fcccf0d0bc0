#pragma once

#include <algorithm>

namespace mentor {

/// A token bucket that holds what flows in within a second. It may be overdrawn once, so that what
/// is larger than the bucket passes, too. Times are seconds on any clock.
class RateLimit {
 public:
  /// 0: no limit.
  explicit RateLimit(double per_minute)
      : per_second_(per_minute / 60), capacity_(std::max(1.0, per_second_)), level_(capacity_) {}

  /// Seconds until something may be taken.
  [[nodiscard]] double wait(double now) {
    if (per_second_ <= 0) return 0;
    level_ = std::min(capacity_, level_ + (now - last_) * per_second_);
    last_ = now;
    return std::max(0.0, (kLeast - level_) / per_second_);
  }
  /// A negative amount gives back what was taken and not needed.
  void take(double amount) { level_ -= amount; }

 private:
  static constexpr double kLeast = 1;  // a whole request, or a word

  double per_second_;
  double capacity_;
  double level_;
  double last_ = 0;
};

/// Seconds before repetition number `repetition` (0, 1, ...): `first` doubled each time, at most a
/// minute, of which `chance` in [0, 1) leaves the last half open, so that many do not come at once.
[[nodiscard]] inline double backoff_seconds(double first, int repetition, double chance) {
  const double longest =
      std::min(60.0, first * static_cast<double>(1LL << std::min(repetition, 30)));
  return longest * (1 + chance) / 2;
}

}  // namespace mentor
