#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace mentor {

/// One argument of format(): a type-erased value, so that no header of ours includes fmt (torch's
/// include directory carries another version of it).
class FormatArg {
 public:
  using Value = std::variant<bool, char, int64_t, uint64_t, double, std::string_view>;

  FormatArg(bool value) : value_(value) {}
  FormatArg(char value) : value_(value) {}
  FormatArg(const char* value) : value_(std::string_view(value)) {}
  FormatArg(std::string_view value) : value_(value) {}
  FormatArg(const std::string& value) : value_(std::string_view(value)) {}
  template <std::signed_integral T>
  FormatArg(T value) : value_(static_cast<int64_t>(value)) {}
  template <std::unsigned_integral T>
  FormatArg(T value) : value_(static_cast<uint64_t>(value)) {}
  template <std::floating_point T>
  FormatArg(T value) : value_(static_cast<double>(value)) {}
  /// Paths and whatever else has string(): kept as text owned by the argument.
  template <class T>
  requires requires(const T& x) {
    { x.string() } -> std::convertible_to<std::string>;
  }
  FormatArg(const T& value) : owned_(value.string()), value_(std::string_view(owned_)) {}

  FormatArg(const FormatArg&) = delete;
  FormatArg& operator=(const FormatArg&) = delete;

  [[nodiscard]] const Value& value() const { return value_; }

 private:
  std::string owned_;
  Value value_;
};

/// fmt syntax ("{}", "{:.2f}", "{:>8}"), checked at run time: a wrong pattern is an internal error.
std::string format_list(std::string_view pattern, std::initializer_list<const FormatArg*> args);

template <class... Args>
std::string format(std::string_view pattern, const Args&... args) {
  return [&](const auto&... wrapped) {
    return format_list(pattern, {&wrapped...});
  }(FormatArg(args)...);
}

}  // namespace mentor
