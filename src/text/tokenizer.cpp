#include "mentor/text/tokenizer.h"

#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "prefix_trie.h"
#include "tokenizer_definition.h"
#include "unicode.h"
#include "unigram.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

namespace mentor {
namespace {

constexpr std::string_view kImageToken = "<image>";
constexpr std::string_view kPadToken = "<pad>";
constexpr std::string_view kEndToken = "</s>";
constexpr int64_t kPadId = 0;  // the same in every T5; checked
constexpr int64_t kEndId = 1;
constexpr std::string_view kBlankMark = "\u2581";
constexpr int64_t kMaxExtraIds = 100;  // <extra_id_0> ... of T5 lie between the pieces and <image>

fs::path choose_file(const fs::path& path) {
  std::error_code unreadable;  // as good as missing
  if (fs::is_regular_file(path, unreadable)) return path;
  for (const char* name : {"tokenizer.json", "spiece.model"}) {
    if (fs::is_regular_file(path / name, unreadable)) return path / name;
  }
  throw WeightsError(
      format("{}: no tokenizer here: neither tokenizer.json nor spiece.model (copy them from the "
             "FlanT5 folder, or write a small one with `mentor weights init`)",
             path));
}

/// What a T5 tokenizer adds behind the pieces of its spiece.model: <extra_id_99> ... <extra_id_0>,
/// then <image>; and whatever added_tokens.json lists.
void add_extra_tokens(TokenizerDefinition& definition, const fs::path& file,
                      const TokenizerOptions& options) {
  std::map<std::string, int64_t> listed =
      read_added_tokens(file.parent_path() / "added_tokens.json");
  const int64_t image_id =
      listed.try_emplace(std::string(kImageToken), options.image_token_id).first->second;
  const auto num_pieces = static_cast<int64_t>(definition.pieces.size());
  if (image_id < num_pieces || image_id > num_pieces + kMaxExtraIds) {
    throw WeightsError(
        format("{}: {} pieces do not go with {} = {} (set the id of {} to {}, or to {} for a T5 "
               "with {} extra ids)",
               file, num_pieces, kImageToken, image_id, kImageToken, num_pieces,
               num_pieces + kMaxExtraIds, kMaxExtraIds));
  }
  for (int64_t id = num_pieces; id < image_id; ++id) {
    const std::string content = format("<extra_id_{}>", image_id - 1 - id);
    definition.pieces.push_back({content, 0.0});
    definition.added_tokens.push_back(
        {.content = content, .id = id, .strip_left = true, .strip_right = true});
    listed.erase(content);
  }
  for (const auto& [content, id] : listed) {
    definition.added_tokens.push_back({.content = content, .id = id});
  }
}

TokenizerDefinition read_definition(const fs::path& file, const TokenizerOptions& options) {
  if (file.extension() == ".json") {
    TokenizerDefinition definition = read_tokenizer_json(file);
    if (std::ranges::find(definition.added_tokens, kImageToken, &AddedToken::content) ==
        definition.added_tokens.end()) {
      definition.added_tokens.push_back(
          {.content = std::string(kImageToken), .id = options.image_token_id});
    }
    return definition;
  }
  TokenizerDefinition definition = read_sentencepiece_model(file);
  add_extra_tokens(definition, file, options);
  return definition;
}

PrefixTrie added_token_trie(const std::vector<AddedToken>& tokens) {
  std::vector<PrefixTrie::Entry> entries;
  for (const AddedToken& token : tokens) {
    entries.emplace_back(token.content, static_cast<int32_t>(entries.size()));
  }
  return PrefixTrie(std::move(entries));
}

}  // namespace

struct Tokenizer::Impl {
  Impl(const fs::path& file, TokenizerDefinition definition);

  /// Id -> text; DataError for an id outside the vocabulary.
  [[nodiscard]] const std::string& text_of(int64_t id) const;
  void encode_fragment(std::string_view fragment, bool at_start, std::vector<int64_t>& ids) const;

  TextPipeline pipeline;
  Unigram model;
  int64_t unknown_id;
  std::vector<AddedToken> added_tokens;
  PrefixTrie added_trie;                           // over the contents of added_tokens
  std::map<int64_t, const AddedToken*> added_ids;  // into added_tokens
  int64_t image_token_id = 0;
  std::string layout;
};

Tokenizer::Impl::Impl(const fs::path& file, TokenizerDefinition definition)
    : pipeline(std::move(definition.pipeline)),
      model(std::move(definition.pieces), definition.unknown_id),
      unknown_id(definition.unknown_id),
      added_tokens(std::move(definition.added_tokens)),
      added_trie(added_token_trie(added_tokens)),
      layout(format("{} ({})", file.filename(), pipeline.describe())) {
  const auto num_pieces = static_cast<int64_t>(model.pieces().size());
  if (definition.unknown_id < 0 || definition.unknown_id >= num_pieces) {
    throw WeightsError(
        format("{}: the unknown piece {} is not among the {} pieces (copy the file again)", file,
               definition.unknown_id, num_pieces));
  }
  for (const AddedToken& token : added_tokens) {
    const bool fits =
        token.id >= num_pieces ||
        (token.id >= 0 && model.pieces()[static_cast<size_t>(token.id)].text == token.content);
    if (!fits || !added_ids.emplace(token.id, &token).second) {
      throw WeightsError(
          format("{}: the id {} of {} belongs to another piece (set the id of {} to "
                 "the one that the encoder was trained with)",
                 file, token.id, token.content, token.content));
    }
    if (token.content == kImageToken) image_token_id = token.id;
  }
  for (const auto& [content, id] : {std::pair{kPadToken, kPadId}, std::pair{kEndToken, kEndId}}) {
    const auto found = added_ids.find(id);
    if (found == added_ids.end() || found->second->content != content) {
      throw WeightsError(
          format("{}: {} must be a special token with id {}, as in every T5 (is this "
                 "the tokenizer of another model?)",
                 file, content, id));
    }
  }
}

const std::string& Tokenizer::Impl::text_of(int64_t id) const {
  const auto added = added_ids.find(id);
  if (added != added_ids.end()) return added->second->content;
  if (id < 0 || id >= static_cast<int64_t>(model.pieces().size())) {
    throw DataError(format(
        "token id {} is not in the vocabulary (largest id {})", id,
        std::max(static_cast<int64_t>(model.pieces().size()) - 1, added_ids.rbegin()->first)));
  }
  return model.pieces()[static_cast<size_t>(id)].text;
}

void Tokenizer::Impl::encode_fragment(std::string_view fragment, bool at_start,
                                      std::vector<int64_t>& ids) const {
  for (const std::string& word : pipeline.split(pipeline.normalize(fragment), at_start)) {
    model.encode(word, ids);
  }
}

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::load(const fs::path& folder_or_file, const TokenizerOptions& options) {
  const fs::path file = choose_file(folder_or_file);
  return Tokenizer(std::make_unique<const Impl>(file, read_definition(file, options)));
}

std::vector<int64_t> Tokenizer::encode(std::string_view text) const {
  if (const auto invalid = find_invalid_utf8(text)) {
    throw DataError(format("the text is not valid UTF-8 at byte {}: '{}' (save it as UTF-8)",
                           *invalid, text.substr(0, std::min<size_t>(*invalid, 40))));
  }
  std::vector<int64_t> ids;
  size_t begin = 0;  // of the fragment that is being looked at
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token = nullptr;  // the longest that begins here
    impl_->added_trie.for_each_prefix(text.substr(at), [&](size_t, int32_t index) {
      token = &impl_->added_tokens[static_cast<size_t>(index)];
    });
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::string_view fragment = text.substr(begin, at - begin);
    if (token->strip_left) fragment.remove_suffix(trailing_space(fragment));
    impl_->encode_fragment(fragment, begin == 0, ids);
    ids.push_back(token->id);
    at += token->content.size();
    if (token->strip_right) at += leading_space(text.substr(at));
    begin = at;
  }
  impl_->encode_fragment(text.substr(begin), begin == 0, ids);
  ids.push_back(kEndId);
  return ids;
}

PaddedText Tokenizer::encode_padded(std::string_view text, size_t length) const {
  if (length == 0) throw DataError("a text cannot be cut to 0 tokens: there is no room for </s>");
  PaddedText padded{.ids = encode(text)};
  padded.truncated = padded.ids.size() > length;
  if (padded.truncated) padded.ids[length - 1] = kEndId;
  padded.mask.assign(std::min(padded.ids.size(), length), 1);
  padded.ids.resize(length, kPadId);
  padded.mask.resize(length, 0);
  return padded;
}

std::string Tokenizer::decode(std::span<const int64_t> ids) const {
  std::string text;
  for (const int64_t id : ids) {
    const std::string& piece = impl_->text_of(id);
    const auto added = impl_->added_ids.find(id);
    if (added == impl_->added_ids.end() || !added->second->special) text += piece;
  }
  std::string plain;
  for (size_t at = 0; at < text.size();) {
    const bool is_blank = std::string_view(text).substr(at).starts_with(kBlankMark);
    if (is_blank && at > 0) plain += ' ';
    if (!is_blank) plain += text[at];
    at += is_blank ? kBlankMark.size() : 1;
  }
  return plain;
}

std::vector<std::string> Tokenizer::pieces(std::span<const int64_t> ids) const {
  std::vector<std::string> pieces;
  pieces.reserve(ids.size());
  for (const int64_t id : ids) pieces.push_back(impl_->text_of(id));
  return pieces;
}

std::vector<std::string> Tokenizer::unknown_words(std::string_view text) const {
  constexpr size_t kSpelledOut = 4;  // letters: T5 spells some abbreviations, too
  std::vector<std::string> unknown;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    bool has_unknown = false, is_spelled = true;
    size_t letters = 0;
    for (const int64_t id : encode(" " + word)) {
      has_unknown = has_unknown || id == impl_->unknown_id;
      if (impl_->added_ids.contains(id)) continue;
      std::string_view piece = impl_->text_of(id);
      if (piece.starts_with(kBlankMark)) piece.remove_prefix(kBlankMark.size());
      is_spelled = is_spelled && piece.size() <= 1;
      letters += piece.size();
    }
    const bool is_known = !has_unknown && !(is_spelled && letters >= kSpelledOut);
    if (!is_known && std::ranges::find(unknown, word) == unknown.end()) unknown.push_back(word);
  }
  return unknown;
}

int64_t Tokenizer::vocab_size() const {
  return std::max(static_cast<int64_t>(impl_->model.pieces().size()),
                  impl_->added_ids.rbegin()->first + 1);
}

int64_t Tokenizer::image_token_id() const { return impl_->image_token_id; }

const std::string& Tokenizer::layout() const { return impl_->layout; }

}  // namespace mentor
