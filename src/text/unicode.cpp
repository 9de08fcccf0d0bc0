#include "unicode.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utf8proc.h>

namespace mentor {
namespace {

struct Character {
  int32_t code_point;  // negative: not well-formed
  size_t length;
};

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  int32_t code_point = -1;
  const auto length = utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4)), &code_point);
  if (length <= 0) return {-1, 1};
  return {code_point, static_cast<size_t>(length)};
}

bool is_white_space(int32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

void append_utf8(std::string& text, int32_t code_point) {
  std::array<utf8proc_uint8_t, 4> bytes;
  const auto length = utf8proc_encode_char(code_point, bytes.data());
  text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(length));
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Character character = first_character(text.substr(at));
    if (character.code_point < 0) return at;
    at += character.length;
  }
  return std::nullopt;
}

size_t character_length(std::string_view text) { return first_character(text).length; }

size_t grapheme_length(std::string_view text) {
  Character current = first_character(text);
  size_t length = current.length;
  utf8proc_int32_t state = 0;
  while (length < text.size()) {
    const Character next = first_character(text.substr(length));
    // Between ASCII characters there is always a boundary, save for CR LF.
    if (current.code_point < 0x80 && next.code_point < 0x80 && current.code_point != '\r') break;
    if (utf8proc_grapheme_break_stateful(current.code_point, next.code_point, &state)) break;
    length += next.length;
    current = next;
  }
  return length;
}

size_t leading_space(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const Character next = first_character(text.substr(length));
    if (!is_white_space(next.code_point)) break;
    length += next.length;
  }
  return length;
}

size_t trailing_space(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t start = end - 1;
    while (start > 0 && is_continuation(text[start])) --start;
    if (!is_white_space(first_character(text.substr(start, end - start)).code_point)) break;
    end = start;
  }
  return text.size() - end;
}

CharacterKind character_kind(std::string_view text) {
  const int32_t code_point = first_character(text).code_point;
  if (is_white_space(code_point)) return CharacterKind::kSpace;
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharacterKind::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharacterKind::kNumber;
    default:
      return CharacterKind::kOther;
  }
}

std::string compose(std::string_view text) {
  utf8proc_uint8_t* bytes = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &bytes,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (length < 0) throw std::bad_alloc();  // nothing else can fail on well-formed text
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(length)};
}

std::string lower_case(std::string_view text) {
  constexpr int32_t kDottedI = 0x130, kDotAbove = 0x307;  // the one letter that becomes two
  std::string lower;
  lower.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Character character = first_character(text.substr(at));
    if (character.code_point == kDottedI) {
      append_utf8(lower, 'i');
      append_utf8(lower, kDotAbove);
    } else {
      append_utf8(lower, utf8proc_tolower(character.code_point));
    }
    at += character.length;
  }
  return lower;
}

}  // namespace mentor
