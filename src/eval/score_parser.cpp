#include "mentor/eval/score_parser.h"

#include "mentor/core/format.h"

#include <cctype>
#include <string>

namespace mentor {
namespace {

constexpr int kMostWords = 3;  // before a number, as in "Score: Very Poor 0", "out of a possible 4"

/// A place in a text that moves on over what it is asked for.
class Cursor {
 public:
  Cursor(std::string_view text, size_t at) : text_(text), at_(at) {}

  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string_view take_blanks() { return take_while(std::isspace); }
  std::string_view take_blanks_of_line() { return take_while(std::isblank); }
  std::string_view take_letters() { return take_while(std::isalpha); }
  std::string_view take_digits() { return take_while(std::isdigit); }

 private:
  std::string_view take_while(int (*kind)(int)) {
    const size_t begin = at_;
    while (at_ < text_.size() && kind(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  size_t at_;
};

/// "3" -> 3; nothing for what is no score.
std::optional<int64_t> score_of(std::string_view digits) {
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string_view::npos) return digits.empty() ? std::nullopt : std::optional(0L);
  const std::string_view number = digits.substr(first);
  if (number.size() != 1 || number[0] > '4') return std::nullopt;
  return number[0] - '0';
}

/// The number of a score phrase that begins at `at` by the published pattern.
std::string_view strict_phrase(std::string_view text, size_t at) {
  Cursor cursor(text, at);
  if (!cursor.take("score:") && !cursor.take("Score:")) return {};
  cursor.take_blanks();
  cursor.take_letters();
  cursor.take_blanks();
  return cursor.take_digits();
}

/// The answer in small letters, without thoughts, markdown and brackets.
std::string undressed(std::string_view answer) {
  // Some servers leave out the opening mark; an unclosed thought leaves no answer.
  const size_t thought = answer.rfind("</think>");
  if (thought != std::string_view::npos) answer.remove_prefix(thought + 8);
  answer = answer.substr(0, answer.find("<think>"));
  std::string text;
  for (const char c : answer) {
    if (std::string_view("*_`[](){}").find(c) == std::string_view::npos) {
      text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return text;
}

/// Whether nothing behind the number makes it another one: no decimals, ranges, other scales. The
/// next line is another matter: "- 2 of the 4 dogs are missing".
bool ends_number(Cursor cursor) {
  Cursor next = cursor;
  if (next.take(".") || next.take(",")) return next.take_digits().empty();
  cursor.take_blanks_of_line();
  if (cursor.take("-") || cursor.take("–") || cursor.take("to ")) {
    cursor.take_blanks_of_line();
    return cursor.take_digits().empty();
  }
  if (!cursor.take("/") && !cursor.take("out of")) return true;
  cursor.take_blanks_of_line();
  for (int word = 0; word < kMostWords && !cursor.take_letters().empty(); ++word) {
    cursor.take_blanks_of_line();  // "out of a possible 4"
  }
  return cursor.take_digits() == "4";
}

struct LenientPhrase {
  bool has_number = false;
  std::optional<int64_t> score;
};

/// "score", a separator, words, a number.
LenientPhrase lenient_phrase(std::string_view text, size_t at) {
  Cursor cursor(text, at);
  if (!cursor.take("score")) return {};
  cursor.take("s");
  cursor.take_blanks();
  bool separated = false;
  for (const char* mark : {":", "=", "–", "—", "-", "is "})
    separated = separated || cursor.take(mark);
  if (!separated) return {};
  cursor.take_blanks();
  for (int word = 0; word < kMostWords && !cursor.take_letters().empty(); ++word) {
    cursor.take_blanks();
  }
  const bool negative = cursor.take("-");
  const std::string_view digits = cursor.take_digits();
  if (digits.empty()) return {};
  if (negative || !ends_number(cursor)) return {.has_number = true};
  return {.has_number = true, .score = score_of(digits)};
}

}  // namespace

std::optional<int64_t> strict_score(std::string_view answer) {
  std::string_view found;
  for (size_t at = 0; at < answer.size(); ++at) {
    const std::string_view digits = strict_phrase(answer, at);
    if (digits.empty()) continue;
    if (!found.empty()) return std::nullopt;
    found = digits;
  }
  return score_of(found);
}

std::optional<int64_t> lenient_score(std::string_view answer) {
  const std::string text = undressed(answer);
  std::optional<int64_t> score;
  for (size_t at = text.find("score"); at != std::string::npos; at = text.find("score", at + 1)) {
    const LenientPhrase phrase = lenient_phrase(text, at);
    if (phrase.has_number) score = phrase.score;
  }
  return score;
}

void apply_parser(Attempt& attempt, std::string_view rule) {
  attempt.parser = rule;
  attempt.score = rule == "strict" ? strict_score(attempt.answer) : lenient_score(attempt.answer);
  attempt.status = attempt.score ? RatingStatus::kOk : RatingStatus::kParseError;
  attempt.error = attempt.score ? "" : format("the answer holds no score by the rule '{}'", rule);
}

}  // namespace mentor
