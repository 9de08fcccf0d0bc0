#include "mentor/core/error.h"
#include "mentor/text/tokenizer.h"
#include "mentor/text/tokenizer_training.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mentor {
namespace {

const Identity kStar{.shape = 3, .first = 0, .second = 7, .pattern = 0};
const Scene kOne{.subject = kStar, .large = true, .place = 0};
const Scene kTwo{.subject = {.shape = 5, .first = 1, .second = 4, .pattern = 2},
                 .background = 9,
                 .count = 2,
                 .place = 1};

TEST(ToyCaptions, SayWhatTheyAreAskedTo) {
  struct Case {
    const Scene& scene;
    CaptionOptions options;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {kOne, {}, "a large star in a meadow at the top left"},
      {kOne, {.identity = true}, "a large red and white striped star in a meadow at the top left"},
      {kOne, {.wording = 1}, "a large star at the top left in a meadow"},
      {kOne, {.wording = 2}, "in a meadow there is a large star at the top left"},
      {kOne, {.wording = 3}, "a picture of a large star in a meadow at the top left"},
      {kOne,
       {.object_noun = true, .leave_size = true, .leave_place = true},
       "an object in a meadow"},
      {kOne, {.leave_background = true}, "a large star at the top left"},
      {kTwo, {}, "two crosses under the sea in the middle"},
      {kTwo, {.wording = 2}, "under the sea there are two crosses in the middle"},
      {kTwo,
       {.identity = true, .leave_background = true, .leave_place = true},
       "two orange and blue checked crosses"},
      {kTwo, {.object_noun = true, .leave_size = true}, "two objects under the sea in the middle"},
  };
  for (const Case& c : cases) EXPECT_EQ(caption(c.scene, c.options), c.expected);
  EXPECT_EQ(subject_word(kOne), "star");
  EXPECT_EQ(subject_word(kTwo), "crosses");
  EXPECT_EQ(subject_word(kTwo, /*object_noun=*/true), "objects");
}

TEST(ToyCaptions, PromptsMayLeaveTheSubjectToAReference) {
  const AskedScene asked = parse_prompt("two stars under the sea at the top");
  EXPECT_EQ(asked.shape, 3);
  EXPECT_EQ(asked.scene.count, 2);
  EXPECT_EQ(asked.scene.place, 0);
  EXPECT_EQ(parse_prompt("a large object at night").shape, std::nullopt);
  EXPECT_TRUE(parse_prompt("a large object at night").scene.large);
  for (const auto& [text, message] : {std::pair{"at night", "'at night': names no subject"},
                                      std::pair{"an object and a cat", "toy world has no 'cat'"},
                                      std::pair{"3 stars at night", "toy world has no '3': try"},
                                      std::pair{"a r\u00f6te star", "has no 'r\u00f6te'"},
                                      std::pair{"two large stars", "two are always small"}}) {
    EXPECT_THAT([text = text] { (void)parse_prompt(text); },
                ::testing::ThrowsMessage<DataError>(::testing::HasSubstr(message)));
  }
  EXPECT_THROW((void)parse_caption("a large red and white striped object"), DataError);
}

TEST(ToyCaptions, NoTwoScenesHaveTheSamePlainCaption) {
  std::set<std::string> captions;
  int scenes = 0;
  for (int background = 0; background < 10; ++background) {
    for (int place = 0; place < 9; ++place) {
      for (const bool large : {false, true}) {
        captions.insert(caption({.background = background, .large = large, .place = place}));
        ++scenes;
      }
      if (place > 2) continue;
      captions.insert(caption({.background = background, .count = 2, .place = place}));
      ++scenes;
    }
  }
  EXPECT_EQ(captions.size(), static_cast<size_t>(scenes));
}

TEST(ToyCaptions, OptionsFollowTheConfiguration) {
  int left_out = 0;
  std::set<int64_t> wordings;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const CaptionOptions plain = draw_caption_options({}, true, seed);
    EXPECT_EQ(caption(kOne, plain), caption(kOne, {.identity = true}));
    const CaptionOptions varied = draw_caption_options(
        {.wordings = 3, .underdescribed_rate = 0.5, .nouns = "object"}, false, seed);
    EXPECT_TRUE(varied.object_noun);
    wordings.insert(varied.wording);
    left_out += varied.leave_size || varied.leave_background || varied.leave_place ? 1 : 0;
  }
  EXPECT_EQ(wordings, (std::set<int64_t>{0, 1, 2}));
  EXPECT_NEAR(left_out, 500, 60);
}

TEST(ToyCaptions, ATokenizerOfItsSentencesHasAPieceForEachWord) {
  const TempDir dir;
  train_tokenizer(toy_sentences(), kToyPieces, dir / "spiece.model");
  const Tokenizer tokenizer = Tokenizer::load(dir.path(), {.image_token_id = kToyPieces});
  const std::vector<std::string> words = toy_vocabulary();
  for (const char* word : {"The", "image", "star", "fish", "crosses", "objects", "pink", "purple",
                           "checked", "brick", "under", "large", "right", "there", "an"}) {
    EXPECT_THAT(words, ::testing::Contains(word));
  }
  for (const std::string& word : words) {
    EXPECT_EQ(tokenizer.encode(word).size(), 2u) << word << " and </s>";
  }
  EXPECT_THAT(tokenizer.unknown_words("The star in <image>.\na cyan star at night"),
              ::testing::ElementsAre("cyan"));
}

}  // namespace
}  // namespace mentor
