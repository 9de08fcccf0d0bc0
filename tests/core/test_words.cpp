#include "mentor/core/words.h"

#include <gtest/gtest.h>

#include <vector>

namespace mentor {
namespace {

TEST(NearestWord, FindsTheWordThatWasMeant) {
  const std::vector<std::string> choices = {"learning_rate", "lr", "top_k", "top_p", "seed"};
  EXPECT_EQ(nearest_word("lrr", choices), "lr");
  EXPECT_EQ(nearest_word("sede", choices), "seed");
  EXPECT_EQ(nearest_word("top_k", choices), "top_k");
  EXPECT_EQ(nearest_word("learn_rate", choices), "learning_rate");
  EXPECT_EQ(nearest_word("temperature", choices), "");
  EXPECT_EQ(nearest_word("", choices), "");
  EXPECT_EQ(nearest_word(std::string(1000, 'x'), choices), "");
}

TEST(WrapWords, BreaksBetweenWordsAndKeepsLines) {
  EXPECT_EQ(wrap_words("one two three", 9, 2), "one two\n  three");
  EXPECT_EQ(wrap_words("abcdefghijkl m", 5, 0), "abcdefghijkl\nm");
  EXPECT_EQ(wrap_words("a\nb\n\nc", 80, 2), "a\n  b\n\n  c");
  EXPECT_EQ(wrap_words("", 80, 2), "");
}

TEST(CutText, EndsBetweenLetters) {
  EXPECT_EQ(cut_text("abc", 3), "abc");
  EXPECT_EQ(cut_text("abc", 2), "ab");
  EXPECT_EQ(cut_text("aü漢", 1), "a");
  EXPECT_EQ(cut_text("aü漢", 2), "a");
  EXPECT_EQ(cut_text("aü漢", 3), "aü");
  EXPECT_EQ(cut_text("aü漢", 5), "aü");
  EXPECT_EQ(cut_text("aü漢", 6), "aü漢");
  EXPECT_EQ(cut_text("漢", 0), "");
}

}  // namespace
}  // namespace mentor
