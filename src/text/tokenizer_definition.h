#pragma once

#include "text_pipeline.h"
#include "unigram.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mentor {

/// A token that is cut out of the text before everything else.
struct AddedToken {
  std::string content;
  int64_t id;
  bool special = true;  // left out by decode()
  bool strip_left = false;
  bool strip_right = false;  // the white space on that side belongs to the token
};

/// What the files of a tokenizer say.
struct TokenizerDefinition {
  std::vector<Piece> pieces;  // by id
  int64_t unknown_id = 0;
  std::vector<AddedToken> added_tokens;
  TextPipeline pipeline;
};

/// WeightsError naming the file: unreadable, not a Unigram tokenizer that appends </s>, or a
/// component that is not supported.
TokenizerDefinition read_tokenizer_json(const std::filesystem::path& file);

/// Content -> id of an added_tokens.json; empty where there is no such file.
std::map<std::string, int64_t> read_added_tokens(const std::filesystem::path& file);

/// A spiece.model with the pipeline that transformers 4.49 gives it. WeightsError as above.
TokenizerDefinition read_sentencepiece_model(const std::filesystem::path& file);

}  // namespace mentor
