#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

struct TokenizerOptions {
  int64_t image_token_id = 32100;  // of <image>, where the files do not list it (FlanT5: 32100)
};

/// A text at a fixed length: ids padded on the right with 0, mask 1 on text and end token.
struct PaddedText {
  std::vector<int64_t> ids;
  std::vector<int64_t> mask;
  bool truncated = false;  // the tail was cut; the end token is kept
};

/// T5's Unigram tokenizer with the extra token <image>; gives the ids of the fast tokenizer of
/// Hugging Face. Safe to share between threads.
class Tokenizer {
 public:
  /// From a folder (tokenizer.json, else spiece.model) or one of these files. tokenizer.json is
  /// complete and obeyed as written; spiece.model is read as transformers 4.49 converts it, with
  /// the extra tokens of an added_tokens.json beside it. WeightsError: missing or broken file, or
  /// a component that is not supported.
  static Tokenizer load(const std::filesystem::path& folder_or_file,
                        const TokenizerOptions& options = {});
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Token ids, the last one is </s>. DataError: the text is not UTF-8 (names the byte).
  [[nodiscard]] std::vector<int64_t> encode(std::string_view text) const;

  /// encode() cut or padded to `length` >= 1 ids; a cut text keeps length - 1 tokens and </s>.
  [[nodiscard]] PaddedText encode_padded(std::string_view text, size_t length) const;

  /// The text of `ids` without special tokens. DataError: an id outside the vocabulary.
  [[nodiscard]] std::string decode(std::span<const int64_t> ids) const;

  /// The piece of each id, special tokens included ("\u2581fox", "<image>", "</s>").
  [[nodiscard]] std::vector<std::string> pieces(std::span<const int64_t> ids) const;

  /// Words of `text` that the vocabulary knows nothing of, each once: with an unknown character, or
  /// of four letters and more that are pieces of their own. DataError as of encode().
  [[nodiscard]] std::vector<std::string> unknown_words(std::string_view text) const;

  [[nodiscard]] int64_t vocab_size() const;  // highest id + 1, added tokens included
  [[nodiscard]] int64_t image_token_id() const;

  /// Which file and which normaliser and pre-tokenizer were taken: published T5 files differ in
  /// what they do with the blanks around <image>.
  [[nodiscard]] const std::string& layout() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace mentor
