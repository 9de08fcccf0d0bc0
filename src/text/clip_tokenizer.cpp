#include "mentor/text/clip_tokenizer.h"

#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "unicode.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace mentor {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBegin = "<|startoftext|>", kEnd = "<|endoftext|>", kWordEnd = "</w>";

/// What the two kinds of files hold.
struct BytePairFiles {
  std::unordered_map<std::string, int64_t> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;  // first come, first served
};

/// The printable character that stands for each byte in the vocabulary: its own in Latin-1 where
/// that can be seen, else the next one from U+0100 on.
std::array<std::string, 256> byte_characters() {
  const auto utf8 = [](int c) {
    if (c < 0x80) return std::string(1, static_cast<char>(c));
    return std::string{static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  };
  std::array<std::string, 256> characters;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool seen =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    characters[static_cast<size_t>(byte)] = utf8(seen ? byte : next++);
  }
  return characters;
}

std::pair<std::string, std::string> parse_merge(const std::string& line) {
  const size_t blank = line.find(' ');
  if (blank == std::string::npos || blank == 0 || blank + 1 == line.size()) {
    throw std::invalid_argument(format("'{}' is not a pair of pieces to merge", line));
  }
  return {line.substr(0, blank), line.substr(blank + 1)};
}

BytePairFiles parse_two_files(const std::string& vocabulary, const std::string& merges) {
  BytePairFiles files{.vocabulary = Json::parse(vocabulary)};
  for (size_t begin = 0; begin < merges.size();) {
    const size_t end = std::min(merges.find('\n', begin), merges.size());
    std::string line = merges.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    const bool header = begin == 0 && line.starts_with("#version");
    if (!header && !line.empty()) files.merges.push_back(parse_merge(line));
    begin = end + 1;
  }
  return files;
}

/// The rules are in this program: the file must state the same ones.
void check_rules(const Json& json) {
  std::string normalizers;
  for (const Json& step : json.at("normalizer").at("normalizers")) {
    normalizers += step.at("type").get<std::string>() + " ";
  }
  const Json& model = json.at("model");
  if (normalizers != "NFC Replace Lowercase " || model.at("type") != "BPE" ||
      model.at("end_of_word_suffix") != kWordEnd) {
    throw std::invalid_argument("its rules are not those of CLIP's tokenizer");
  }
}

BytePairFiles parse_tokenizer_json(const std::string& text) {
  const Json json = Json::parse(text);
  check_rules(json);
  BytePairFiles files{.vocabulary = json.at("model").at("vocab")};
  for (const Json& merge : json.at("model").at("merges")) {
    if (merge.is_string()) {
      files.merges.push_back(parse_merge(merge));
    } else {
      files.merges.emplace_back(merge.at(0), merge.at(1));
    }
  }
  for (const Json& token : json.at("added_tokens")) {
    files.vocabulary[token.at("content")] = token.at("id");
  }
  return files;
}

std::string one_blank_for_space(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (const size_t space = leading_space(text); space > 0) {
      result.push_back(' ');
      text.remove_prefix(space);
      continue;
    }
    const size_t length = character_length(text);
    result += text.substr(0, length);
    text.remove_prefix(length);
  }
  return result;
}

/// Bytes of the first word of lower-case text that begins with no space: an English ending behind
/// an apostrophe, letters, one digit, or a run of anything else.
size_t word_length(std::string_view text) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.starts_with(ending)) return ending.size();
  }
  const CharacterKind kind = character_kind(text);
  size_t length = character_length(text);
  if (kind == CharacterKind::kNumber) return length;
  while (length < text.size() && character_kind(text.substr(length)) == kind) {
    length += character_length(text.substr(length));
  }
  return length;
}

}  // namespace

struct ClipTokenizer::Impl {
  struct Merge {
    size_t rank;
    int64_t id;
  };

  explicit Impl(const BytePairFiles& files);

  [[nodiscard]] static uint64_t pair_key(int64_t left, int64_t right) {
    return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
  }
  void append_word(std::string_view word, std::vector<int64_t>& ids) const;
  void append_words(std::string_view text, std::vector<int64_t>& ids) const;

  std::array<int64_t, 256> byte_ids, last_byte_ids;  // the second for the last byte of a word
  std::unordered_map<uint64_t, Merge> merges;
  int64_t begin_id, end_id, size = 0;
};

ClipTokenizer::Impl::Impl(const BytePairFiles& files) {
  const auto id_of = [&](const std::string& piece) {
    const auto found = files.vocabulary.find(piece);
    if (found != files.vocabulary.end()) return found->second;
    throw std::invalid_argument(format("the vocabulary has no '{}'", piece));
  };
  for (const auto& [piece, id] : files.vocabulary) {
    if (id < 0 || id > INT32_MAX) throw std::invalid_argument(format("'{}' has id {}", piece, id));
    size = std::max(size, id + 1);
  }
  const std::array<std::string, 256> characters = byte_characters();
  for (size_t byte = 0; byte < characters.size(); ++byte) {
    byte_ids[byte] = id_of(characters[byte]);
    last_byte_ids[byte] = id_of(characters[byte] + std::string(kWordEnd));
  }
  for (const auto& [left, right] : files.merges) {
    merges[pair_key(id_of(left), id_of(right))] = {.rank = merges.size(),
                                                   .id = id_of(left + right)};
  }
  begin_id = id_of(std::string(kBegin));
  end_id = id_of(std::string(kEnd));
}

/// Merges the pair with the lowest rank, the leftmost of equals, until no neighbours are a pair.
void ClipTokenizer::Impl::append_word(std::string_view word, std::vector<int64_t>& ids) const {
  std::vector<int64_t> pieces;
  for (const char c : word) pieces.push_back(byte_ids[static_cast<unsigned char>(c)]);
  pieces.back() = last_byte_ids[static_cast<unsigned char>(word.back())];
  while (true) {
    size_t place = 0;
    const Merge* best = nullptr;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      const auto found = merges.find(pair_key(pieces[i], pieces[i + 1]));
      if (found == merges.end() || (best != nullptr && found->second.rank >= best->rank)) continue;
      place = i;
      best = &found->second;
    }
    if (best == nullptr) break;
    pieces[place] = best->id;
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  ids.insert(ids.end(), pieces.begin(), pieces.end());
}

void ClipTokenizer::Impl::append_words(std::string_view text, std::vector<int64_t>& ids) const {
  while (true) {
    text.remove_prefix(leading_space(text));
    if (text.empty()) return;
    const size_t length = word_length(text);
    append_word(text.substr(0, length), ids);
    text.remove_prefix(length);
  }
}

ClipTokenizer::ClipTokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
ClipTokenizer::~ClipTokenizer() = default;
ClipTokenizer::ClipTokenizer(ClipTokenizer&&) noexcept = default;
ClipTokenizer& ClipTokenizer::operator=(ClipTokenizer&&) noexcept = default;

ClipTokenizer ClipTokenizer::load(const std::filesystem::path& folder) {
  const fs::path vocabulary = folder / "vocab.json", merges = folder / "merges.txt",
                 complete = folder / "tokenizer.json";
  std::error_code ignored;
  const bool two_files = fs::exists(vocabulary, ignored) && fs::exists(merges, ignored);
  if (!two_files && !fs::exists(complete, ignored)) {
    throw WeightsError(
        format("{}: holds no tokenizer: copy vocab.json and merges.txt of the "
               "published folder into it",
               folder));
  }
  try {
    return ClipTokenizer(std::make_unique<const Impl>(
        two_files ? parse_two_files(read_text(vocabulary), read_text(merges))
                  : parse_tokenizer_json(read_text(complete))));
  } catch (const Json::exception& error) {
    throw WeightsError(format("{}: damaged or not a tokenizer file: {} (copy the file again)",
                              two_files ? vocabulary : complete, error.what()));
  } catch (const std::invalid_argument& error) {
    throw WeightsError(format("{}: {}: not the tokenizer of a CLIP model (copy the file again)",
                              two_files ? folder : complete, error.what()));
  }
}

std::vector<int64_t> ClipTokenizer::encode(std::string_view text) const {
  if (const auto bad = find_invalid_utf8(text)) {
    throw DataError(format("the text is not valid UTF-8 at byte {}: '{}' (save it as UTF-8)", *bad,
                           text.substr(0, std::min<size_t>(*bad, 40))));
  }
  const std::string normal = lower_case(one_blank_for_space(compose(text)));
  std::string_view rest = normal;
  std::vector<int64_t> ids{impl_->begin_id};
  while (!rest.empty()) {
    const size_t begin = rest.find(kBegin), end = rest.find(kEnd), special = std::min(begin, end);
    impl_->append_words(rest.substr(0, special), ids);
    if (special == std::string_view::npos) break;
    ids.push_back(begin < end ? impl_->begin_id : impl_->end_id);
    rest.remove_prefix(special + (begin < end ? kBegin : kEnd).size());
  }
  ids.push_back(impl_->end_id);
  return ids;
}

PaddedText ClipTokenizer::encode_padded(std::string_view text, size_t length) const {
  if (length < 2) throw std::invalid_argument("a text of CLIP has a begin and an end");
  PaddedText padded{.ids = encode(text)};
  padded.truncated = padded.ids.size() > length;
  padded.mask.assign(std::min(padded.ids.size(), length), 1);
  padded.mask.resize(length, 0);
  padded.ids.resize(length, impl_->end_id);
  if (padded.truncated) padded.ids.back() = impl_->end_id;
  return padded;
}

int64_t ClipTokenizer::vocab_size() const { return impl_->size; }

}  // namespace mentor
