#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mentor {

/// SentencePiece's compiled table of character replacements (a double-array trie over UTF-8).
class CharacterMap {
 public:
  /// Throws std::invalid_argument if `compiled` is not such a table.
  explicit CharacterMap(std::string_view compiled);

  /// Replaces grapheme by grapheme, as Hugging Face does: a grapheme below 6 bytes becomes the
  /// entry of its shortest prefix in the table, what follows in it is dropped; otherwise each
  /// character is looked up alone. (SentencePiece takes the longest match of the running text.)
  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  [[nodiscard]] std::optional<std::string_view> shortest_prefix(std::string_view key) const;

  std::vector<uint32_t> trie_;
  std::string replacements_;  // each ends with a zero byte
};

// The normaliser's steps, in the order of the tokenizer file.
struct StripSpace {
  bool left = false;
  bool right = false;
};
struct ReplaceText {
  std::string pattern;
  std::string content;
};
struct ReplaceSpaceRuns {  // of two or more blanks
  std::string content;
};
using NormalizerStep = std::variant<CharacterMap, StripSpace, ReplaceText, ReplaceSpaceRuns>;

// The pre-tokenizer's steps.
struct WhitespaceSplit {};
struct Metaspace {
  enum class Prepend { kAlways, kFirst, kNever };
  std::string replacement = "\u2581";  // stands for a blank
  Prepend prepend = Prepend::kAlways;  // kFirst: where the text begins; first step only
  bool split = true;                   // a word begins at each replacement
};
using PreTokenizerStep = std::variant<WhitespaceSplit, Metaspace>;

/// What happens to the text between special tokens before the Unigram model sees it.
struct TextPipeline {
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;

  [[nodiscard]] std::string normalize(std::string_view text) const;

  /// Words of a normalised fragment; `at_start`: the whole text begins with this fragment.
  [[nodiscard]] std::vector<std::string> split(std::string normalized, bool at_start) const;

  /// One line for people: "charsmap, strip right, blanks -> '_'; metaspace always".
  [[nodiscard]] std::string describe() const;
};

}  // namespace mentor
