#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/text/tokenizer.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace mentor {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<int64_t>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

fs::path golden(const std::string& name) { return fixture_path("tokenizer/" + name); }

Json read_json(const fs::path& file) { return Json::parse(read_text(file)); }

const Json& expected() {
  static const Json json = read_json(golden("expected.json"));
  return json;
}

const Tokenizer& from_json() {
  static const Tokenizer tokenizer = Tokenizer::load(golden("tokenizer.json"));
  return tokenizer;
}

/// No spiece.model holds the id of <image>.
const Tokenizer& from_model() {
  static const Tokenizer tokenizer = Tokenizer::load(
      golden("spiece.model"), {.image_token_id = expected()["image_token_id"].get<int64_t>()});
  return tokenizer;
}

/// tokenizer.json after `change`, as a file of its own.
fs::path changed_json(const TempDir& dir, const std::function<void(Json&)>& change) {
  Json json = read_json(golden("tokenizer.json"));
  change(json);
  write_text(dir / "tokenizer.json", json.dump());
  return dir / "tokenizer.json";
}

template <class Error>
std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

void expect_recorded(const Tokenizer& tokenizer, const std::string& layout) {
  for (const Json& test_case : expected()["cases"]) {
    const auto text = test_case["text"].get<std::string>();
    const Json differs = test_case.value("differs", Json::object());
    const Ids ids = differs.contains(layout) ? differs[layout] : test_case["ids"];
    EXPECT_EQ(tokenizer.encode(text), ids) << layout << ": " << Json(text);
  }
}

TEST(Tokenizer, GivesTheRecordedIds) {
  ASSERT_GT(expected()["cases"].size(), 50U);
  expect_recorded(from_json(), "");
  expect_recorded(from_model(), "");
}

TEST(Tokenizer, ObeysTheLayoutOfTheFile) {
  const Json layouts = read_json(golden("layouts.json"));
  ASSERT_FALSE(layouts.empty());
  for (const auto& item : layouts.items()) {
    const TempDir dir;
    const fs::path file = changed_json(dir, [&](Json& json) {
      const Json charsmap = json["normalizer"]["normalizers"][0];
      json["pre_tokenizer"] = item.value()["pre_tokenizer"];
      json["normalizer"] = item.value()["normalizer"];
      Json& steps = json["normalizer"];
      (steps.contains("normalizers") ? steps["normalizers"][0] : steps) = charsmap;
    });
    expect_recorded(Tokenizer::load(file), item.key());
  }
}

TEST(Tokenizer, SaysWhichLayoutItTook) {
  const std::string steps =
      " (normaliser: charsmap, strip right, blanks -> '\u2581'; pre-tokenizer: metaspace always)";
  EXPECT_EQ(from_json().layout(), "tokenizer.json" + steps);
  EXPECT_EQ(from_model().layout(), "spiece.model" + steps);
}

TEST(Tokenizer, GivesTheRecordedPieces) {
  for (const Json& test_case : expected()["cases"]) {
    const Ids ids = test_case["ids"];
    EXPECT_EQ(from_json().pieces(ids), test_case["pieces"].get<std::vector<std::string>>());
  }
}

TEST(Tokenizer, PadsAndCutsAsRecorded) {
  for (const Json& test_case : expected()["padded_to_512"]) {
    const auto text = test_case["text"].get<std::string>();
    const size_t untruncated = test_case["untruncated_count"];
    const Ids ids = test_case["input_ids"];
    const PaddedText padded = from_json().encode_padded(text, ids.size());
    EXPECT_EQ(padded.ids, ids) << test_case["name"];
    EXPECT_EQ(padded.truncated, untruncated > ids.size());
    ASSERT_EQ(padded.mask.size(), ids.size());
    EXPECT_EQ(std::ranges::count(padded.mask, 1), test_case["valid"]);
    EXPECT_TRUE(std::is_sorted(padded.mask.rbegin(), padded.mask.rend()));
    EXPECT_EQ(from_json().encode(text).size(), untruncated);
  }
}

TEST(Tokenizer, KeepsTheEndTokenWhateverTheLength) {
  EXPECT_THAT(from_json().encode_padded("a fox", 1).ids, ElementsAre(1));
  EXPECT_THAT(from_json().encode_padded("a fox", 2).ids, ElementsAre(5, 1));
  EXPECT_THAT(from_json().encode_padded("a fox", 4).ids, ElementsAre(5, 128, 1, 0));
  EXPECT_THAT(from_json().encode_padded("a fox", 4).mask, ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(message_of<DataError>([] { (void)from_json().encode_padded("a", 0); }),
              HasSubstr("no room for </s>"));
}

TEST(Tokenizer, DecodesWithoutSpecialTokens) {
  const Tokenizer& tokenizer = from_json();
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("The fox is falling, a photo.")),
            "The fox is falling, a photo.");
  EXPECT_EQ(tokenizer.decode(Ids{1000, 128, 1, 0, 0}), "fox");
  EXPECT_EQ(tokenizer.decode(Ids{}), "");
  EXPECT_THAT(message_of<DataError>([&] {
                (void)tokenizer.decode(Ids{5, 1001});
              }),
              HasSubstr("token id 1001 is not in the vocabulary (largest id 1000)"));
  EXPECT_THROW((void)tokenizer.pieces(Ids{-1}), DataError);
}

TEST(Tokenizer, NamesWordsThatItDoesNotKnow) {
  const std::string accents = "\uff21\u0301\u0301";
  const std::vector<std::string> unknown =
      from_json().unknown_words("The quick fox, I'm a xkcd\nin <image>. " + accents + " zzq xkcd");
  EXPECT_THAT(unknown, ElementsAre("xkcd", accents));
  EXPECT_TRUE(from_json().unknown_words(" ").empty());
}

TEST(Tokenizer, KnowsItsSize) {
  const int64_t image_id = expected()["image_token_id"];
  for (const Tokenizer* tokenizer : {&from_json(), &from_model()}) {
    EXPECT_EQ(tokenizer->image_token_id(), image_id);
    EXPECT_EQ(tokenizer->vocab_size(), image_id + 1);
  }
}

TEST(Tokenizer, NamesTheByteThatIsNotUtf8) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"fox \xff", "byte 4"},      {"\xc3", "byte 0"},     {"\xc3\xa9 \xe2\x82", "byte 3"},
      {"a\xed\xa0\x80", "byte 1"}, {"\xc0\xaf", "byte 0"}, {"\xf5\x80\x80\x80", "byte 0"}};
  for (const auto& [text, place] : cases) {
    EXPECT_THAT(message_of<DataError>([&] { (void)from_json().encode(text); }),
                HasSubstr("not valid UTF-8 at " + place));
  }
}

// Looked up whole are graphemes below 6 bytes only; the longer ones character by character.
TEST(Tokenizer, ReplacesGraphemes) {
  const auto expect_same = [](const std::string& text, const std::string& as) {
    EXPECT_EQ(from_json().encode(text), from_json().encode(as)) << Json(text);
  };
  expect_same("\u00bd\u0301", "\u00bd");  // 4 bytes: the accent is dropped
  expect_same("\uff21\u0301", "A");       // 5 bytes
  EXPECT_EQ(from_json().encode("\uff21\u0301\u0301"),
            (Ids{19, 2, 1}));    // 7: the accents stay, unknown
  expect_same("a\r\nb", "a b");  // one grapheme
  expect_same("\u3000\u3000", "");
}

TEST(Tokenizer, TextThatBecomesASpecialTokenIsThatPiece) {
  EXPECT_EQ(from_json().encode("\uff1cpad\uff1e"), (Ids{4, 0, 1}));
}

TEST(Tokenizer, TakesExtraTokensOfT5) {
  const TempDir dir;
  fs::copy_file(golden("spiece.model"), dir / "spiece.model");
  const Tokenizer tokenizer = Tokenizer::load(dir.path(), {.image_token_id = 1100});
  EXPECT_EQ(tokenizer.vocab_size(), 1101);
  EXPECT_EQ(tokenizer.encode("fox<extra_id_0> fox <extra_id_99><image>"),
            (Ids{128, 1099, 128, 1000, 1100, 1}));
  EXPECT_EQ(tokenizer.encode("<extra_id_100>"), from_json().encode("<extra_id_100>"));

  write_text(dir / "added_tokens.json",
             R"({"<image>": 1002, "<extra_id_0>": 1001, "<end>": 1003})");
  const Tokenizer listed = Tokenizer::load(dir.path());
  EXPECT_EQ(listed.image_token_id(), 1002);
  EXPECT_EQ(listed.encode("<end><extra_id_1><image>"), (Ids{1003, 1000, 1002, 1}));
  EXPECT_EQ(listed.vocab_size(), 1004);
}

TEST(Tokenizer, PrefersTokenizerJsonInAFolder) {
  const TempDir dir;
  fs::copy_file(golden("spiece.model"), dir / "spiece.model");
  changed_json(dir, [](Json& json) { json["pre_tokenizer"]["prepend_scheme"] = "never"; });
  EXPECT_THAT(Tokenizer::load(dir.path()).layout(), HasSubstr("metaspace never"));
  EXPECT_THAT(Tokenizer::load(dir / "spiece.model", {.image_token_id = 1000}).layout(),
              HasSubstr("metaspace always"));
}

TEST(Tokenizer, AddsTheImageTokenWhereTheFileHasNone) {
  const TempDir dir;
  const fs::path file = changed_json(dir, [](Json& json) { json["added_tokens"].erase(3); });
  EXPECT_EQ(Tokenizer::load(file).image_token_id(), 32100);
  EXPECT_THAT(message_of<WeightsError>([&] { Tokenizer::load(file, {.image_token_id = 17}); }),
              HasSubstr("the id 17 of <image> belongs to another piece"));
}

TEST(Tokenizer, RefusesWhatItCannotObey) {
  struct Case {
    std::function<void(Json&)> change;
    std::string message;
  };
  const auto charsmap = [](const std::string& text) {
    return [text](Json& j) { j["normalizer"]["normalizers"][0]["precompiled_charsmap"] = text; };
  };
  const std::vector<Case> cases = {
      {[](Json& j) {
         j["normalizer"] = {{"type", "Lowercase"}};
       },
       R"(normalizer {"type":"Lower)"},
      {[](Json& j) { j["normalizer"]["normalizers"][2]["pattern"]["Regex"] = "x+"; }, "x+"},
      {charsmap("*"), "base64"},
      {charsmap("AA=="), "too short"},
      {charsmap("BAAAAA=="), "does not fit"},
      {[](Json& j) {
         j["pre_tokenizer"] = {{"type", "ByteLevel"}};
       },
       R"({"type":"ByteLevel"})"},
      {[](Json& j) { j["pre_tokenizer"]["prepend_scheme"] = "last"; }, "pre_tokenizer"},
      {[](Json& j) {
         Json& step = j["pre_tokenizer"];
         step["prepend_scheme"] = "first";
         step = {{"type", "Sequence"}, {"pretokenizers", {{{"type", "WhitespaceSplit"}}, step}}};
       },
       "behind another one"},
      {[](Json& j) { j["model"]["type"] = "BPE"; }, "Unigram"},
      {[](Json& j) { j["model"]["byte_fallback"] = true; }, "byte_fallback"},
      {[](Json& j) { j["model"]["unk_id"] = 5000; }, "unknown piece 5000"},
      {[](Json& j) { j["model"].erase("vocab"); }, "key 'vocab' not found"},
      {[](Json& j) { j["added_tokens"][3]["normalized"] = true; }, "added token"},
      {[](Json& j) { j["added_tokens"][3]["id"] = 7; }, "id 7 of <image> belongs to another"},
      {[](Json& j) { j["added_tokens"].erase(1); }, "</s> must be a special token with id 1"},
      {[](Json& j) { j["post_processor"] = nullptr; }, "must append </s>"},
  };
  for (const Case& test_case : cases) {
    const TempDir dir;
    const fs::path file = changed_json(dir, test_case.change);
    const auto message = message_of<WeightsError>([&] { Tokenizer::load(file); });
    EXPECT_THAT(message, HasSubstr(test_case.message));
    EXPECT_THAT(message, HasSubstr(file.string()));
  }
}

TEST(Tokenizer, RefusesMissingAndDamagedFiles) {
  const TempDir dir;
  EXPECT_THAT(message_of<WeightsError>([&] { Tokenizer::load(dir / "nowhere"); }),
              HasSubstr("nowhere: no tokenizer here"));
  write_text(dir / "spiece.model", "not a model");
  EXPECT_THAT(message_of<WeightsError>([&] { Tokenizer::load(dir.path()); }),
              HasSubstr("spiece.model: damaged or not a SentencePiece model"));
  const std::string model = read_text(golden("spiece.model"));
  write_text(dir / "spiece.model", model.substr(0, model.size() / 2));
  EXPECT_THROW(Tokenizer::load(dir.path()), WeightsError);
  write_text(dir / "tokenizer.json", R"({"version": )");
  EXPECT_THAT(message_of<WeightsError>([&] { Tokenizer::load(dir.path()); }),
              HasSubstr("tokenizer.json: damaged"));
  EXPECT_THAT(message_of<WeightsError>([&] { Tokenizer::load(golden("spiece.model")); }),
              HasSubstr("1000 pieces do not go with <image> = 32100"));
}

}  // namespace
}  // namespace mentor
