#include "mentor/core/error.h"
#include "mentor/data/sample.h"
#include "mentor/image/transforms.h"
#include "mentor/toy/captions.h"
#include "mentor/toy/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace mentor {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ToyConfig kConfig{.size = 32, .records = 40};

Sample sample_of(const ToySource& source, int64_t index) {
  static const Backgrounds backgrounds(toy_backgrounds(32));
  return make_sample(source.record(index), {.image_size = 32}, {}, &backgrounds);
}

TEST(ToyRecords, APairSharesTheIdentityAndNothingElse) {
  int same_background = 0;
  for (int64_t number = 0; number < 500; ++number) {
    for (const Split split : {Split::kTrain, Split::kHeldOut}) {
      const ToyPair pair = draw_pair(kConfig, split, number);
      EXPECT_EQ(pair, draw_pair(kConfig, split, number));
      EXPECT_EQ(pair.reference.subject, pair.target.subject);
      EXPECT_EQ(is_held_out(pair.target.subject), split == Split::kHeldOut);
      EXPECT_FALSE(pair.target.distractor);
      same_background += pair.reference.background == pair.target.background ? 1 : 0;
    }
  }
  EXPECT_NEAR(same_background, 100, 40);
  EXPECT_NE(draw_pair(kConfig, Split::kTrain, 0).target,
            draw_pair({.seed = 1}, Split::kTrain, 0).target);
}

TEST(ToyRecords, CorrelatedPairsShowTheTargetAlready) {
  const ToyConfig config{.correlated_rate = 0.8};
  int same = 0;
  for (int64_t number = 0; number < 500; ++number) {
    const ToyPair pair = draw_pair(config, Split::kTrain, number);
    same += pair.reference == pair.target ? 1 : 0;
    EXPECT_EQ(pair.target, draw_pair(kConfig, Split::kTrain, number).target)
        << "an option changes what it is not about";
  }
  EXPECT_NEAR(same, 400, 40);
}

TEST(ToyRecords, EachTaskMakesItsSample) {
  const ToySource source(kConfig, Split::kTrain, {kToyTasks.begin(), kToyTasks.end()});
  ASSERT_EQ(source.size(), 5 * kConfig.records);
  EXPECT_EQ(source.where(2 * kConfig.records + 7), "toy/train/segmentation:7");
  for (int64_t number = 0; number < kConfig.records; ++number) {
    const ToyPair pair = draw_pair(kConfig, Split::kTrain, number);
    const ToyPicture reference = paint_scene(pair.reference, 32);
    const ToyPicture target = paint_scene(pair.target, 32);
    const auto sample = [&](int64_t task) {
      return sample_of(source, task * kConfig.records + number);
    };
    const std::string scene = caption(pair.target);
    const std::string named = "The " + subject_word(pair.reference) + " in <image>.";

    const Sample text = sample(0);
    EXPECT_EQ(text.task, Task::kTextToImage);
    EXPECT_EQ(text.prompt, caption(pair.target, {.identity = true}));
    EXPECT_EQ(text.target, target.image);
    EXPECT_TRUE(text.pictures.empty());

    const Sample again = sample(1);
    EXPECT_EQ(again.task, Task::kReconstruction);
    EXPECT_THAT(again.prompt, testing::StartsWith("The image is <image>\n"));
    EXPECT_THAT(again.pictures, ElementsAre(reference.image));
    EXPECT_EQ(again.target, reference.image);

    const Sample segment = sample(2);
    EXPECT_EQ(segment.task, Task::kSegmentation);
    EXPECT_EQ(segment.prompt, named);
    EXPECT_THAT(segment.pictures, ElementsAre(reference.image));
    EXPECT_EQ(segment.target, keep_masked(reference.image, [&] {
                Image half = reference.mask;
                for (uint8_t& share : half.pixels) share = share >= 128 ? 255 : 0;
                return half;
              }()));

    const Sample recover = sample(3);
    EXPECT_EQ(recover.task, Task::kRecovery);
    EXPECT_EQ(recover.prompt, "The " + subject_word(pair.target) + " in <image>.\n" + scene);
    EXPECT_EQ(recover.target, target.image);
    EXPECT_NE(recover.pictures.at(0), target.image);

    const Sample subject = sample(4);
    EXPECT_EQ(subject.task, Task::kSubject);
    EXPECT_EQ(subject.prompt, named + "\n" + scene);
    EXPECT_THAT(subject.pictures, ElementsAre(reference.image));
    EXPECT_EQ(subject.target, target.image);
  }
}

TEST(ToyRecords, ObjectNounsGiveAwayNoShapeWhereAPictureIsShown) {
  ToyConfig config = kConfig;
  config.nouns = "object";
  const ToySource source(config, Split::kTrain, {Task::kTextToImage, Task::kSubject});
  for (int64_t number = 0; number < 20; ++number) {
    const ToyPair pair = draw_pair(config, Split::kTrain, number);
    EXPECT_THAT(sample_of(source, number).prompt, HasSubstr(subject_word(pair.target)));
    const std::string prompt = sample_of(source, config.records + number).prompt;
    EXPECT_THAT(prompt, HasSubstr("The object"));
    EXPECT_EQ(prompt.find(subject_word(pair.target)), std::string::npos);
  }
}

TEST(ToyRecords, LinesAreOfTheOfficialFormAndReadBackEqual) {
  for (const Task task : kToyTasks) {
    for (int64_t number = 0; number < 50; ++number) {
      const ToyPair pair = draw_pair({.jitter = 1}, Split::kHeldOut, number);
      const std::string line = toy_record_line(kConfig, pair, task);
      EXPECT_EQ(parse_toy_pair(line, "x"), pair);
      const Record read = parse_record(line, "x", ""), made = toy_record(kConfig, pair, task);
      EXPECT_EQ(read.images, made.images);
      EXPECT_EQ(read.sources, made.sources);
      EXPECT_EQ(read.text, made.text);
      EXPECT_EQ(read.objects, made.objects);
      EXPECT_FALSE(read.objects_listed);
      EXPECT_EQ(read.task(Stage::kInstruction), task);
    }
  }
}

TEST(ToyRecords, RefuseWhatTheWorldDoesNotHave) {
  const json line =
      json::parse(toy_record_line(kConfig, draw_pair(kConfig, Split::kTrain, 0), Task::kSubject));
  struct Case {
    const char* key;
    json value;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"background", "meadows",
       "f:1: the toy world has no place 'meadows' (did you mean 'meadow'?)"},
      {"identity", 2800, "f:1: there is no identity 2800: the toy world has 2800, from 0"},
      {"count", 3, "f:1: scenes show 1 subject or 2, not 3"},
      {"size", "huge", "f:1: the toy world has no size 'huge'"},
      {"place", "at the topp left", "did you mean 'at the top left'?"},
      {"objects", json::array(), "f:1: 0 objects where the count is"},
      {"objects", 1, "f:1: not a record that 'mentor toy make' wrote"},
  };
  for (const Case& c : cases) {
    json broken = line;
    broken["toy"]["target"][c.key] = c.value;
    if (c.key == std::string("place")) broken["toy"]["target"]["count"] = 1;
    try {
      (void)parse_toy_pair(broken.dump(), "f:1");
      ADD_FAILURE() << c.key;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.message));
    }
  }
  EXPECT_THROW((void)parse_toy_pair("{}", "f:1"), DataError);
}

TEST(ToyPair, HasAsManySubjectsAsItsWorld) {
  for (const char* palette : {"small", "full"}) {
    std::set<int> numbers, shapes;
    for (int64_t number = 0; number < 2000; ++number) {
      const ToyPair pair = draw_pair({.palette = palette, .identities = 40}, Split::kTrain, number);
      numbers.insert(number_of(pair.target.subject));
      shapes.insert(pair.target.subject.shape);
      EXPECT_FALSE(is_held_out(pair.target.subject));
    }
    EXPECT_EQ(numbers.size(), 40u) << palette;
    EXPECT_EQ(shapes.size(), 10u) << palette;
  }
}

TEST(ToyCaptionParser, ReadsWhatCaptionsSay) {
  for (int64_t number = 0; number < 300; ++number) {
    const Scene scene = draw_pair({.palette = "full"}, Split::kTrain, number).target;
    for (int64_t wording = 0; wording < kToyWordings; ++wording) {
      const std::string words = caption(scene, {.identity = true, .wording = wording});
      EXPECT_EQ(parse_caption(words), scene) << words;
    }
  }
  const Scene plain = parse_caption("Red, white: striped star!");
  EXPECT_EQ(caption(plain), "a small star in a studio in the middle");
}

TEST(ToyCaptionParser, SaysWhatIsWrong) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& c :
       {Case{"a cyan and red striped star", "the toy world has no 'cyan'"},
        Case{"a red and white striped stra", "'stra' (did you mean 'star'?)"},
        Case{"a red and white striped star in a city", "no 'city'"},
        Case{"a red star", "a subject has a shape, a pattern and two colours"},
        Case{"a red and red striped star", "two colours"}, Case{"", "'': a subject has a shape"},
        Case{"two large red and white striped stars", "two are always small"},
        Case{"two red and white striped stars on the left",
             "'at the top', 'in the middle' or 'at the bottom', not 'on the left'"},
        Case{"two red and white striped stars at the top left", "not 'at the top left'"},
        Case{"a red and white striped star left",
             "'left' does not fit there: write 'at the top left', 'on the left', "
             "'at the bottom left'"},
        Case{"a red and white striped star by a wall",
             "'wall' does not fit there: write 'by a brick wall'"},
        Case{"the image of a red and white striped star",
             "'image' does not fit there: write it as in 'a picture of"},
        Case{"a red and white striped star at the top at the bottom",
             "has two places, 'at the bottom' and 'at the top': name one"},
        Case{"a red and white striped star at night in a meadow",
             "has two backgrounds, 'in a meadow' and 'at night'"},
        Case{"a red and white striped star circle", "has two shapes, 'star' and 'circle'"},
        Case{"a red and white striped dotted star", "has two patterns, 'striped' and 'dotted'"},
        Case{"a large small red and white striped star", "has two sizes, 'large' and 'small'"}}) {
    try {
      (void)parse_caption(c.text);
      ADD_FAILURE() << c.text;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.message));
    }
  }
}

}  // namespace
}  // namespace mentor
