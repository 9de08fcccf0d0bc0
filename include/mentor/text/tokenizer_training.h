#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// Trains a SentencePiece Unigram model with T5's conventions (pad 0, </s> 1, unk 2, no begin,
/// nmt_nfkc) and publishes it as `output_file`. The same sentences give the same bytes. Every
/// printable ASCII character gets a piece. `padded_size` above `vocab_size` adds pieces that no
/// text makes, so that the ids behind them are those of a larger vocabulary. DataError: too few
/// sentences for `vocab_size` pieces.
void train_tokenizer(const std::vector<std::string>& sentences, int64_t vocab_size,
                     const std::filesystem::path& output_file, int64_t padded_size = 0);

/// English picture captions and task prompts from a small grammar of our own: enough to train a
/// tokenizer of 1000 pieces for the tiny preset without any download.
[[nodiscard]] std::vector<std::string> built_in_sentences();

}  // namespace mentor
