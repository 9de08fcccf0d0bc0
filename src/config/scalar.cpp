#include "scalar.h"

#include "mentor/config/field_table.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace mentor {
namespace {

constexpr std::string_view kPlainNulls[] = {"", "~", "null", "Null", "NULL"};

bool is_plain_null(std::string_view text) {
  return std::ranges::find(kPlainNulls, text) != std::end(kPlainNulls);
}

std::string needs(const char* what, const Scalar& scalar) {
  if (!scalar.quoted && is_plain_null(scalar.text)) return format("needs {}, has no value", what);
  return format("needs {}, not {}{}", what, scalar.quoted ? "the text " : "",
                format("'{}'", scalar.text));
}

std::string out_of_range(std::string_view text, const Bound& bound) {
  return format("must be {}, not {}", describe(bound), text);
}

/// from_chars takes no leading '+', which people write in exponents' company.
template <class T>
std::from_chars_result parse_number(std::string_view text, T& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc() && result.ptr != text.data() + text.size()) {
    result.ec = std::errc::invalid_argument;
  }
  return result;
}

}  // namespace

std::string parse_scalar(const Scalar& scalar, const Bound&, bool& value) {
  if (scalar.quoted || (scalar.text != "true" && scalar.text != "false")) {
    return needs("true or false", scalar);
  }
  value = scalar.text == "true";
  return "";
}

std::string parse_scalar(const Scalar& scalar, const Bound& bound, int64_t& value) {
  if (scalar.quoted) return needs("an integer", scalar);
  const std::errc error = parse_number(scalar.text, value).ec;
  if (error == std::errc::result_out_of_range) {
    return format("{} does not fit into 64 bits", scalar.text);
  }
  if (error != std::errc()) return needs("an integer", scalar);
  return bound.allows(static_cast<double>(value)) ? "" : out_of_range(scalar.text, bound);
}

std::string parse_scalar(const Scalar& scalar, const Bound& bound, double& value) {
  if (scalar.quoted) return needs("a number", scalar);
  const bool named = !scalar.text.empty() && scalar.text.find_first_of("iInN") == 0;  // inf, nan
  const std::errc error = parse_number(scalar.text, value).ec;
  if (error == std::errc::result_out_of_range) {
    return format("{} does not fit a 64-bit floating-point number", scalar.text);
  }
  if (error != std::errc() || named || !std::isfinite(value)) {
    return needs("a finite number", scalar);
  }
  return bound.allows(value) ? "" : out_of_range(scalar.text, bound);
}

std::string parse_scalar(const Scalar& scalar, const Bound& bound, std::string& value) {
  if (!scalar.quoted && is_plain_null(scalar.text)) {
    return "needs a text, has no value (write \"\" for an empty one)";
  }
  value = scalar.text;
  if (bound.allows(std::string_view(value))) return "";
  const std::string nearest = nearest_word(value, bound.words);
  return format("must be {}, not '{}'{}", describe(bound), value,
                nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest));
}

std::string parse_scalar(const Scalar& scalar, const Bound& bound, std::filesystem::path& value) {
  std::string text;
  const std::string problem = parse_scalar(scalar, bound, text);
  value = text;
  return problem;
}

std::string quote_scalar(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_./+-").find(static_cast<char>(c)) != std::string_view::npos;
  };
  const bool safe_start =
      !text.empty() &&
      (std::isalnum(static_cast<unsigned char>(text[0])) != 0 || text[0] == '/' || text[0] == '_');
  if (safe_start && !is_plain_null(text) && std::ranges::all_of(text, plain)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace mentor
