#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/text/clip_tokenizer.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mentor {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<int64_t>;
using ::testing::HasSubstr;

constexpr size_t kContext = 77;

fs::path golden_file(const std::string& name) { return fixture_path("embedders/" + name); }

const ClipTokenizer& tokenizer() {
  static const ClipTokenizer tokenizer = ClipTokenizer::load(golden_file(""));
  return tokenizer;
}

Json expected() { return Json::parse(read_text(golden_file("texts.json"))); }

TEST(ClipTokenizerGolden, IdsEqualHuggingFace) {
  const Json cases = expected();
  ASSERT_GT(cases.size(), 20U);
  for (const Json& item : cases) {
    const auto text = item.at("text").get<std::string>();
    EXPECT_EQ(tokenizer().encode(text), item.at("ids").get<Ids>()) << text;
  }
}

TEST(ClipTokenizerGolden, CutKeepsTheEndToken) {
  int num_cut = 0;
  for (const Json& item : expected()) {
    const PaddedText padded =
        tokenizer().encode_padded(item.at("text").get<std::string>(), kContext);
    EXPECT_EQ(padded.truncated, !item.at("cut").is_null());
    EXPECT_EQ(padded.ids.size(), kContext);
    if (!padded.truncated) continue;
    EXPECT_EQ(padded.ids, item.at("cut").get<Ids>());
    ++num_cut;
  }
  EXPECT_GT(num_cut, 0);
}

TEST(ClipTokenizer, PadsWithTheEndToken) {
  const PaddedText padded = tokenizer().encode_padded("", 4);
  const int64_t end = tokenizer().vocab_size() - 1;
  EXPECT_EQ(padded.ids, (Ids{end - 1, end, end, end}));
  EXPECT_EQ(padded.mask, (Ids{1, 1, 0, 0}));
}

/// The golden vocabulary as a tokenizer.json of either generation.
Json complete_file(bool merges_as_pairs) {
  const Json vocabulary = Json::parse(read_text(golden_file("vocab.json")));
  Json merges = Json::array();
  std::istringstream lines(read_text(golden_file("merges.txt")));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const size_t blank = line.find(' ');
    merges.push_back(merges_as_pairs ? Json{line.substr(0, blank), line.substr(blank + 1)}
                                     : Json(line));
  }
  Json added = Json::array();
  for (const char* token : {"<|startoftext|>", "<|endoftext|>"}) {
    added.push_back({{"content", token}, {"id", vocabulary.at(token)}});
  }
  return {{"added_tokens", added},
          {"normalizer",
           {{"normalizers", {{{"type", "NFC"}}, {{"type", "Replace"}}, {{"type", "Lowercase"}}}}}},
          {"model",
           {{"type", "BPE"},
            {"end_of_word_suffix", "</w>"},
            {"vocab", vocabulary},
            {"merges", merges}}}};
}

TEST(ClipTokenizer, TakesTokenizerJsonOfBothGenerations) {
  for (const bool pairs : {false, true}) {
    const TempDir folder;
    write_text(folder / "tokenizer.json", complete_file(pairs).dump());
    const ClipTokenizer other = ClipTokenizer::load(folder.path());
    for (const char* text : {"a photo of a wooden cat", "don't <|endoftext|>", "日本"}) {
      EXPECT_EQ(other.encode(text), tokenizer().encode(text));
    }
  }
}

std::string message_of(const fs::path& folder) {
  try {
    (void)ClipTokenizer::load(folder);
  } catch (const WeightsError& error) {
    return error.what();
  }
  return "loaded";
}

TEST(ClipTokenizerErrors, NameFileAndCure) {
  const TempDir folder;
  EXPECT_THAT(message_of(folder.path()), HasSubstr("copy vocab.json and merges.txt"));

  Json other_rules = complete_file(true);
  other_rules["normalizer"]["normalizers"].erase(2);
  write_text(folder / "tokenizer.json", other_rules.dump());
  EXPECT_THAT(message_of(folder.path()), HasSubstr("rules are not those of CLIP's tokenizer"));

  write_text(folder / "vocab.json", "{\"a\": 0}");
  write_text(folder / "merges.txt", "#version: 0.2\n");
  EXPECT_THAT(message_of(folder.path()), HasSubstr("the vocabulary has no"));

  write_text(folder / "vocab.json", "{\"a\": ");
  EXPECT_THAT(message_of(folder.path()), HasSubstr("vocab.json: damaged"));

  fs::copy_file(golden_file("vocab.json"), folder / "vocab.json",
                fs::copy_options::overwrite_existing);
  write_text(folder / "merges.txt", "#version: 0.2\nab\n");
  EXPECT_THAT(message_of(folder.path()), HasSubstr("'ab' is not a pair of pieces"));
}

TEST(ClipTokenizerErrors, TextMustBeUtf8) {
  EXPECT_THROW(
      {
        try {
          (void)tokenizer().encode("caf\xe9");
        } catch (const DataError& error) {
          EXPECT_THAT(error.what(), HasSubstr("not valid UTF-8 at byte 3: 'caf'"));
          throw;
        }
      },
      DataError);
}

}  // namespace
}  // namespace mentor
