#include "mentor/core/words.h"

#include <algorithm>
#include <numeric>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace mentor {
namespace {

/// Edits that turn `a` into `b`: insert, delete, replace, swap of neighbours (Damerau-Levenshtein,
/// each letter edited once).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_previous(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  std::iota(previous.begin(), previous.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, previous[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_previous[j - 2] + 1);
    }
    std::swap(before_previous, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

/// Appends one line of `text`, wrapped.
void append_wrapped(std::string_view text, size_t columns, size_t indent, std::string& out) {
  size_t column = indent;
  bool line_has_word = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (line_has_word && column + 1 + word.size() > columns) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
      line_has_word = false;
    }
    if (line_has_word) out += ' ';
    out += word;
    column += word.size() + (line_has_word ? 1 : 0);
    line_has_word = true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::string nearest_word(std::string_view word, std::span<const std::string> choices) {
  constexpr size_t kLongestWord = 64;  // beyond it nothing of ours can be near
  if (word.size() > kLongestWord) return "";
  const std::string* nearest = nullptr;
  size_t smallest = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& choice : choices) {
    const size_t distance = edit_distance(word, choice);
    if (distance < smallest) {
      smallest = distance;
      nearest = &choice;
    }
  }
  return nearest ? *nearest : "";
}

std::string wrap_words(std::string_view text, int columns, int indent) {
  std::string out;
  const size_t margin = static_cast<size_t>(indent);
  while (true) {
    const size_t end = std::min(text.find('\n'), text.size());
    append_wrapped(text.substr(0, end), static_cast<size_t>(columns), margin, out);
    if (end == text.size()) return out;
    text.remove_prefix(end + 1);
    out += '\n';
    if (!text.empty() && text.front() != '\n') out.append(margin, ' ');
  }
}

std::string_view cut_text(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  const auto continues = [&text](size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  while (bytes > 0 && continues(bytes)) --bytes;
  return text.substr(0, bytes);
}

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::clamp<int>(size.ws_col, 60, 100);
}

}  // namespace mentor
