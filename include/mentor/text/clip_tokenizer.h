#pragma once

#include "mentor/text/tokenizer.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace mentor {

/// CLIP's lower-cased byte-pair tokenizer; gives the ids of Hugging Face's fast tokenizer
/// (transformers 4.49), which does not repair text as the slow one does. Safe to share between
/// threads.
class ClipTokenizer {
 public:
  /// From the vocab.json and merges.txt of a published folder, else from its tokenizer.json.
  /// WeightsError: missing or broken file, or rules that are not CLIP's.
  static ClipTokenizer load(const std::filesystem::path& folder);
  ~ClipTokenizer();
  ClipTokenizer(ClipTokenizer&&) noexcept;
  ClipTokenizer& operator=(ClipTokenizer&&) noexcept;

  /// <|startoftext|>, the text, <|endoftext|>. DataError: the text is not UTF-8 (names the byte).
  [[nodiscard]] std::vector<int64_t> encode(std::string_view text) const;

  /// encode() cut or padded with <|endoftext|> to `length` >= 2 ids; a cut text keeps its end.
  [[nodiscard]] PaddedText encode_padded(std::string_view text, size_t length) const;

  [[nodiscard]] int64_t vocab_size() const;  // highest id + 1

 private:
  struct Impl;
  explicit ClipTokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace mentor
