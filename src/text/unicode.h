#pragma once

#include "mentor/text/utf8.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mentor {

/// Bytes of the first character of a non-empty text; 1 where it is not well-formed.
[[nodiscard]] size_t character_length(std::string_view text);

/// Bytes of the first extended grapheme cluster (UAX #29) of a non-empty text.
[[nodiscard]] size_t grapheme_length(std::string_view text);

/// Bytes of white space (Unicode White_Space) that `text` begins or ends with.
[[nodiscard]] size_t leading_space(std::string_view text);
[[nodiscard]] size_t trailing_space(std::string_view text);

/// What the first character of a non-empty text is, by its Unicode category.
enum class CharacterKind { kLetter, kNumber, kSpace, kOther };
[[nodiscard]] CharacterKind character_kind(std::string_view text);

/// Normal form C of well-formed UTF-8.
[[nodiscard]] std::string compose(std::string_view text);

/// Well-formed UTF-8 with each letter's own lower-case form, whatever stands beside it.
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace mentor
