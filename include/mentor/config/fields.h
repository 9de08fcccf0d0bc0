#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// The range of a number or the list of words a field may hold. What it says in error messages
/// and in the help text is derived from the values, so the two cannot disagree.
struct Bound {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_excluded = false;
  bool max_excluded = false;
  std::vector<std::string> words;  // non-empty: the value is one of these

  [[nodiscard]] bool allows(double x) const {
    return !std::isnan(x) && (min_excluded ? x > min : x >= min) &&
           (max_excluded ? x < max : x <= max);
  }
  [[nodiscard]] bool allows(std::string_view word) const {
    if (words.empty()) return true;
    for (const std::string& allowed : words) {
      if (word == allowed) return true;
    }
    return false;
  }
};

namespace bound {
inline Bound any() { return {}; }
inline Bound positive() { return {.min = 0, .min_excluded = true}; }
inline Bound non_negative() { return {.min = 0}; }
inline Bound at_least(double low) { return {.min = low}; }
inline Bound between(double low, double high) { return {.min = low, .max = high}; }
/// Sizes and counts: 1 to 2^24, so that products of two or three of them cannot overflow.
inline Bound count() { return {.min = 1, .max = 1 << 24}; }
inline Bound one_of(std::initializer_list<std::string> words) { return {.words = words}; }
}  // namespace bound

/// A struct takes part in configuration by describing each of its fields once:
///
///   template <class Visitor>
///   void fields(Visitor& v) {
///     v("lr", lr, "peak learning rate, reached after warm-up", bound::positive());
///     v("schedule", schedule, "learning-rate schedule");   // a struct with fields() of its own
///   }
///
/// That one description serves YAML reading, `--set`, validation, `config dump` and the help
/// text (config/yaml.h). Field types: bool, int64_t, double, std::string, std::filesystem::path
/// (relative to the file it stands in), std::vector<int64_t | double | std::string>, and structs
/// with fields(). A std::map<std::string, struct with fields()> is a group: its entries appear by
/// being named in a file or override. A preset takes one more argument: the function that applies
/// it.
struct AnyVisitor {
  template <class... Args>
  void operator()(Args&&...) {}
};
template <class T>
concept HasFields = requires(T& section, AnyVisitor& visitor) {
  section.fields(visitor);
};

}  // namespace mentor
