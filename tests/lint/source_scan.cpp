#include "lint/source_scan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>
#include <stdexcept>

namespace mentor::lint {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Walks over a source and writes its blanked copy.
class Blanker {
 public:
  explicit Blanker(std::string_view source) : in_(source), out_(source) {}

  std::string run() {
    while (at_ < in_.size()) {
      if (starts("//")) {
        blank_to(line_end(at_));
      } else if (starts("/*")) {
        blank_to(after("*/", at_ + 2));
      } else if (in_[at_] == '#' && first_on_line_) {
        blank_to(line_end(at_));
      } else if (starts("R\"") && (at_ == 0 || !is_word(in_[at_ - 1]))) {
        const size_t open = in_.find('(', at_);
        const auto delimiter = std::string(in_.substr(at_ + 2, open - at_ - 2));
        blank_to(after(")" + delimiter + "\"", open));
      } else if (in_[at_] == '"' || (in_[at_] == '\'' && !is_digit_separator())) {
        blank_to(literal_end());
      } else {
        step();
      }
    }
    return out_;
  }

 private:
  bool starts(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  bool is_digit_separator() const { return at_ > 0 && is_word(in_[at_ - 1]); }

  void step() {
    if (in_[at_] == '\n') {
      first_on_line_ = true;
    } else if (in_[at_] != ' ') {
      first_on_line_ = false;
    }
    ++at_;
  }

  void blank_to(size_t end) {
    for (; at_ < std::min(end, in_.size()); step()) {
      if (in_[at_] != '\n') out_[at_] = ' ';
    }
  }

  size_t after(std::string_view text, size_t from) const {
    const size_t found = in_.find(text, from);
    return found == std::string_view::npos ? in_.size() : found + text.size();
  }

  /// The end of the line, or of the last of the lines that a backslash joins to it.
  size_t line_end(size_t from) const {
    size_t end = in_.find('\n', from);
    while (end != std::string_view::npos && end > 0 && in_[end - 1] == '\\') {
      end = in_.find('\n', end + 1);
    }
    return std::min(end, in_.size());
  }

  size_t literal_end() const {
    const char quote = in_[at_];
    size_t end = at_ + 1;
    while (end < in_.size() && in_[end] != quote) end += in_[end] == '\\' ? 2 : 1;
    return end + 1;
  }

  std::string_view in_;
  std::string out_;
  size_t at_ = 0;
  bool first_on_line_ = true;
};

enum class Block { kScope, kFunction, kInitializer };

/// `Foo::Foo(int a) : a_(a), b_`: a constructor whose initialisers are being listed.
bool in_member_initializers(const std::string& head) {
  int depth = 0;
  bool had_parameters = false;
  for (size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '(') ++depth;
    if (head[i] == ')') had_parameters = --depth == 0;
    const bool is_colon = head[i] == ':' && head[i + 1] != ':' && (i == 0 || head[i - 1] != ':');
    if (is_colon && depth == 0 && had_parameters) return true;
  }
  return false;
}

/// What a brace after this text opens, at namespace or class level.
Block classify(const std::string& head) {
  static const std::regex scope(
      R"(^(template\s*<.*>\s*)?((inline|export|typedef|static|constexpr)\s+)*)"
      R"((namespace|class|struct|union|enum|extern)\b[^()]*(\([^()]*\)[^()]*)?$)");
  if (head.empty()) return Block::kInitializer;
  const char last = head.back();
  if (last == ')' || last == ']') return Block::kFunction;
  if (std::regex_match(head, scope)) return Block::kScope;
  if (head.find('(') == std::string::npos || last == '=' || last == ',') return Block::kInitializer;
  if (in_member_initializers(head)) return last == '}' ? Block::kFunction : Block::kInitializer;
  return Block::kFunction;
}

/// Cuts blanked code into statements and blocks.
class Scanner {
 public:
  explicit Scanner(std::string_view code) : code_(code) {}

  std::vector<Function> run() {
    int parentheses = 0;
    int open_scopes = 0;
    for (; at_ < code_.size(); ++at_) {
      const char c = code_[at_];
      if (c == '\n') ++line_;
      if (c == '(') ++parentheses;
      if (c == ')') --parentheses;
      if (c == '{' && parentheses == 0) {
        open_scopes += open_block() ? 1 : 0;
      } else if (c == '{') {
        skip_block();
      } else if (c == '}') {
        if (--open_scopes < 0) throw std::runtime_error("a closing brace too many");
        head_.clear();
      } else if (parentheses == 0 && (c == ';' || ends_access_label(c))) {
        head_.clear();
      } else {
        append(c);
      }
    }
    if (open_scopes != 0) throw std::runtime_error("a brace is not closed");
    return std::move(functions_);
  }

 private:
  void append(char c) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (!head_.empty() && head_.back() != ' ') head_ += ' ';
      return;
    }
    if (head_.empty()) head_line_ = line_;
    head_ += c;
  }

  bool ends_access_label(char c) const {
    return c == ':' && (head_ == "public" || head_ == "private" || head_ == "protected");
  }

  /// True for a scope, whose content is scanned too; other blocks are passed over as a whole.
  bool open_block() {
    if (!head_.empty() && head_.back() == ' ') head_.pop_back();
    const Block block = classify(head_);
    if (block == Block::kScope) {
      head_.clear();
      return true;
    }
    skip_block();
    if (block == Block::kFunction) {
      functions_.push_back({head_, head_line_, line_ - head_line_ + 1});
      head_.clear();
    } else {
      head_ += "{}";
    }
    return false;
  }

  /// From an opening brace to its closing one.
  void skip_block() {
    int depth = 0;
    for (; at_ < code_.size(); ++at_) {
      if (code_[at_] == '\n') ++line_;
      if (code_[at_] == '{') ++depth;
      if (code_[at_] == '}' && --depth == 0) return;
    }
    throw std::runtime_error("a brace is not closed");
  }

  std::string_view code_;
  size_t at_ = 0;
  int line_ = 1;
  std::string head_;  // the statement so far
  int head_line_ = 1;
  std::vector<Function> functions_;
};

}  // namespace

std::string blank_all_but_code(std::string_view source) { return Blanker(source).run(); }

std::vector<Function> find_functions(std::string_view source) {
  return Scanner(blank_all_but_code(source)).run();
}

}  // namespace mentor::lint
