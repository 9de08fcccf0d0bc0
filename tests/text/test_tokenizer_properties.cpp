#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/text/tokenizer.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace mentor {
namespace {

using Ids = std::vector<int64_t>;

fs::path golden(const std::string& name) { return fixture_path("tokenizer/" + name); }

std::string utf8(uint32_t c) {
  std::string text;
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0 | c >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
  return text;
}

/// ASCII, accents, wide letters, Indic and Hangul syllables, emoji, marks, blanks, special tokens.
std::string random_text(std::mt19937& random) {
  constexpr std::pair<uint32_t, uint32_t> kRanges[] = {
      {0x00, 0x7F},     {0x20, 0x7E},     {0xA0, 0x24F},      {0x300, 0x36F},    {0x600, 0x6FF},
      {0x915, 0x94D},   {0x1100, 0x11FF}, {0x2000, 0x206F},   {0x2460, 0x24FF},  {0x3000, 0x30FF},
      {0xFE00, 0xFE0F}, {0xFF00, 0xFFEF}, {0x1F1E6, 0x1F64F}, {0xE0100, 0xE01EF}};
  const auto draw = [&](uint32_t low, uint32_t high) {
    return std::uniform_int_distribution<uint32_t>(low, high)(random);
  };
  std::string text;
  for (uint32_t i = draw(0, 40); i > 0; --i) {
    if (draw(0, 15) == 0) text += draw(0, 1) == 0 ? "<image>" : "</s>";
    const auto [low, high] = kRanges[draw(0, std::size(kRanges) - 1)];
    text += utf8(draw(low, high));
  }
  return text;
}

void damage(std::string& bytes, int count, std::mt19937& random) {
  for (int i = 0; i < count && !bytes.empty(); ++i) {
    bytes[random() % bytes.size()] = static_cast<char>(random());
  }
}

TEST(TokenizerProperties, BothFilesGiveTheSameIdsForAnyText) {
  const Tokenizer from_json = Tokenizer::load(golden("tokenizer.json"));
  const Tokenizer from_model =
      Tokenizer::load(golden("spiece.model"), {.image_token_id = from_json.image_token_id()});
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_text(random);
    const Ids ids = from_json.encode(text);
    ASSERT_EQ(ids.back(), 1);
    ASSERT_EQ(ids, from_model.encode(text)) << text;
    ASSERT_EQ(from_json.pieces(ids).size(), ids.size());
  }
}

TEST(TokenizerProperties, PlainWordsRoundTrip) {
  const Tokenizer tokenizer = Tokenizer::load(golden("tokenizer.json"));
  const std::vector<std::string> words = {"The", "fox", "is", "red", "photo", "a", "night", "two"};
  std::mt19937 random(2);
  for (int i = 0; i < 200; ++i) {
    std::string text = words[random() % words.size()];
    for (size_t k = random() % 12; k > 0; --k) text += " " + words[random() % words.size()];
    const Ids ids = tokenizer.encode(text);
    ASSERT_EQ(tokenizer.decode(ids), text);
    ASSERT_EQ(tokenizer.encode(tokenizer.decode(ids)), ids);
  }
}

TEST(TokenizerProperties, DamagedTextIsRefusedOrEncoded) {
  const Tokenizer tokenizer = Tokenizer::load(golden("tokenizer.json"));
  std::mt19937 random(3);
  int num_refused = 0;
  int num_encoded = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text = random_text(random);
    damage(text, 2, random);
    try {
      num_encoded += tokenizer.encode(text).back() == 1;
    } catch (const DataError&) {
      ++num_refused;
    }
  }
  EXPECT_EQ(num_refused + num_encoded, 2000);
  EXPECT_GT(num_refused, 100);
  EXPECT_GT(num_encoded, 100);
}

TEST(TokenizerProperties, DamagedModelsAreRefusedOrRead) {
  const TempDir dir;
  const std::string model = read_text(golden("spiece.model"));
  std::mt19937 random(4);
  int num_read = 0;
  for (int i = 0; i < 60; ++i) {
    std::string damaged = model;
    damage(damaged, 8, random);
    write_text(dir / "spiece.model", damaged);
    try {
      const Tokenizer tokenizer = Tokenizer::load(dir.path(), {.image_token_id = 1000});
      for (int k = 0; k < 50; ++k) ASSERT_EQ(tokenizer.encode(random_text(random)).back(), 1);
      ++num_read;
    } catch (const WeightsError&) {
      continue;
    }
  }
  EXPECT_GT(num_read, 0);
}

}  // namespace
}  // namespace mentor
