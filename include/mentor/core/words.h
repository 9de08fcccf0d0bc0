#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mentor {

/// The choice that a mistyped `word` most likely meant (edit distance with transpositions), or ""
/// when none is near enough to be worth naming.
[[nodiscard]] std::string nearest_word(std::string_view word, std::span<const std::string> choices);

/// `text` broken between words into lines of at most `columns`. Lines after the first begin with
/// `indent` spaces (the first is taken to begin at that column already). Keeps line breaks.
[[nodiscard]] std::string wrap_words(std::string_view text, int columns, int indent);

/// The beginning of `text`, at most so many bytes, without a part of a letter (UTF-8) at its end.
[[nodiscard]] std::string_view cut_text(std::string_view text, size_t bytes);

/// Width for help texts: that of the terminal at standard output, at least 60 and at most 100;
/// 80 where the output is no terminal.
[[nodiscard]] int terminal_columns();

}  // namespace mentor
