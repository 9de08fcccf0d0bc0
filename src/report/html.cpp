#include "mentor/report/html.h"

#include "mentor/core/format.h"

namespace mentor {

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (c == '\'') {
      result += "&#39;";
    } else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      result += "\xef\xbf\xbd";
    } else {
      result += c;
    }
  }
  return result;
}

std::string escape_url(std::string_view path) {
  std::string result;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/._-~").find(c) != std::string_view::npos;
    result += plain ? std::string(1, c) : format("%{:02X}", static_cast<uint8_t>(c));
  }
  return result;
}

std::string grouped_digits(int64_t number) {
  std::string digits = format("{}", number);
  const int64_t first = number < 0 ? 1 : 0;
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > first; i -= 3)
    digits.insert(static_cast<size_t>(i), 1, ',');
  return digits;
}

}  // namespace mentor
