#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/text/tokenizer.h"
#include "mentor/text/tokenizer_training.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mentor {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNumPieces = 1000;  // of the tiny preset

class TrainTokenizer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    train_tokenizer(built_in_sentences(), kNumPieces, *dir_ / "spiece.model");
    tokenizer_ =
        std::make_unique<Tokenizer>(Tokenizer::load(dir_->path(), {.image_token_id = kNumPieces}));
  }
  static void TearDownTestSuite() {
    tokenizer_.reset();
    dir_.reset();
  }

  static inline std::unique_ptr<TempDir> dir_;
  static inline std::unique_ptr<Tokenizer> tokenizer_;
};

TEST(BuiltInSentences, AreManyAndDistinct) {
  const std::vector<std::string> sentences = built_in_sentences();
  EXPECT_GE(sentences.size(), 2000U);
  EXPECT_EQ(std::set<std::string>(sentences.begin(), sentences.end()).size(), sentences.size());
  EXPECT_EQ(sentences, built_in_sentences());
}

TEST_F(TrainTokenizer, WritesAWorkingTokenizer) {
  EXPECT_EQ(tokenizer_->vocab_size(), kNumPieces + 1);
  EXPECT_EQ(tokenizer_->pieces(std::vector<int64_t>{0, 1, 2, kNumPieces}),
            (std::vector<std::string>{"<pad>", "</s>", "<unk>", "<image>"}));
  EXPECT_EQ(tokenizer_->decode(tokenizer_->encode("The dog in the picture.")),
            "The dog in the picture.");
  const auto prompt = tokenizer_->encode("The cat in <image>.\nA photo of a cat in the forest.");
  EXPECT_LE(prompt.size(), 18U);  // the words are pieces
  EXPECT_EQ(std::ranges::count(prompt, kNumPieces), 1);
}

TEST_F(TrainTokenizer, PadsToTheIdsOfALargerVocabulary) {
  const TempDir dir;
  train_tokenizer(built_in_sentences(), kNumPieces, dir / "spiece.model", 32000);
  const Tokenizer padded = Tokenizer::load(dir.path(), {.image_token_id = 32100});
  EXPECT_EQ(padded.vocab_size(), 32101);
  auto ids = padded.encode("The dog in <image>. \x01<unused 1000>");
  std::ranges::replace(ids, 32100, kNumPieces);
  EXPECT_EQ(ids, tokenizer_->encode("The dog in <image>. \x01<unused 1000>"));
}

TEST_F(TrainTokenizer, KnowsEveryPrintableAsciiCharacter) {
  for (char c = '!'; c <= '~'; ++c) {
    EXPECT_EQ(std::ranges::count(tokenizer_->encode(std::string(1, c)), 2), 0) << c;
  }
}

TEST_F(TrainTokenizer, GivesTheSameBytesAgain) {
  train_tokenizer(built_in_sentences(), kNumPieces, *dir_ / "again.model");
  EXPECT_EQ(read_text(*dir_ / "again.model"), read_text(*dir_ / "spiece.model"));
}

TEST_F(TrainTokenizer, RefusesTooLittleText) {
  const fs::path file = *dir_ / "small.model";
  for (const auto& sentences :
       {std::vector<std::string>{}, std::vector<std::string>{"a fox", "a dog"}}) {
    try {
      train_tokenizer(sentences, kNumPieces, file);
      FAIL() << "nothing was thrown";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(file.string()));
    }
    EXPECT_FALSE(fs::exists(file));
  }
}

}  // namespace
}  // namespace mentor
