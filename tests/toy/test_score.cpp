#include "mentor/toy/captions.h"
#include "mentor/toy/score.h"

#include <gtest/gtest.h>

#include <functional>

namespace mentor {
namespace {

using enum ToyAttribute;

/// "a small red and white striped star at night at the top left", with the places of its objects.
const Scene kAsked = parse_caption("a small red and white striped star at night at the top left");
const Scene kTwo = parse_caption("two red and white striped stars at night at the top");

struct Case {
  const char* what;
  Scene asked;
  std::function<void(ToyReading&)> change;
  double cp, pf;
};

TEST(ToyScore, SharesAreThoseOfWhatWasSeen) {
  const auto subject = [](ToyReading& seen) -> ToyObject& { return seen.objects[0].object; };
  const auto repeat = [](ToyReading& seen) { seen.objects.push_back(seen.objects[0]); };
  const std::vector<Case> cases = {
      {"all right", kAsked, [](auto&) {}, 1, 1},
      {"other shape", kAsked, [&](auto& s) { subject(s).identity.shape = 0; }, 0, 1},
      {"other first", kAsked, [&](auto& s) { subject(s).identity.first = 3; }, 2.0 / 3, 1},
      {"other second", kAsked, [&](auto& s) { subject(s).identity.second = 3; }, 2.0 / 3, 1},
      {"other pattern", kAsked, [&](auto& s) { subject(s).identity.pattern = 1; }, 2.0 / 3, 1},
      {"colours swapped", kAsked,
       [&](auto& s) { std::swap(subject(s).identity.first, subject(s).identity.second); }, 1.0 / 3,
       1},
      {"other background", kAsked, [](auto& s) { s.background = 0; }, 1, 2.0 / 3},
      {"no background", kAsked, [](auto& s) { s.background.reset(); }, 1, 2.0 / 3},
      {"large", kAsked, [&](auto& s) { subject(s).radius = kLargeRadius; }, 1, 2.0 / 3},
      {"almost large", kAsked, [&](auto& s) { subject(s).radius = 16.4; }, 1, 1},
      {"elsewhere", kAsked, [&](auto& s) { subject(s).x = 32; }, 1, 2.0 / 3},
      {"a little off", kAsked, [&](auto& s) { subject(s).x = 23.9; }, 1, 1},
      {"twice", kAsked, repeat, 1, 2.0 / 3},
      {"nothing", kAsked, [](auto& s) { s.objects.clear(); }, 0, 1.0 / 3},
      {"nothing on nothing", kAsked, [](auto& s) { s = {}; }, 0, 0},
      {"one wrong of two", kAsked,
       [&](auto& s) {
         repeat(s);
         s.objects[1].object.identity.shape = 0;
       },
       0.5, 2.0 / 3},
      {"the fourth is not looked at", kAsked,
       [&](auto& s) {
         for (int i = 0; i < 3; ++i) repeat(s);
         s.objects[3].object.identity.shape = 0;
       },
       1, 2.0 / 3},
      {"two", kTwo, [](auto&) {}, 1, 1},
      {"one of two", kTwo, [](auto& s) { s.objects.pop_back(); }, 1, 2.0 / 3},
      {"two in the middle on average", kTwo, [](auto& s) { s.objects[1].object.y = 48; }, 1,
       2.0 / 3},
      {"one of two large", kTwo, [](auto& s) { s.objects[1].object.radius = 20; }, 1, 2.0 / 3},
  };
  for (const Case& one : cases) {
    ToyReading reading = ideal_reading(one.asked);
    one.change(reading);
    const ToyScore scored = score(reading, one.asked);
    EXPECT_DOUBLE_EQ(scored.cp, one.cp) << one.what;
    EXPECT_DOUBLE_EQ(scored.pf, one.pf) << one.what;
  }
}

TEST(ToyScore, UntoldIsWhatThePromptDoesNotName) {
  ToyReading reading = ideal_reading(kAsked);
  reading.objects[0].object.identity.shape = 0;
  reading.objects[0].object.identity.pattern = 1;
  const ToyScore scored = score(reading, kAsked);
  EXPECT_EQ(scored.cp, 0);
  EXPECT_DOUBLE_EQ(untold_cp(scored, {}).value(), 0.5);
  EXPECT_DOUBLE_EQ(untold_cp(scored, {kShape}).value(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(untold_cp(scored, {kShape, kBackground, kFirst, kSecond}).value(), 0);
  EXPECT_FALSE(untold_cp(scored, {kShape, kFirst, kSecond, kPattern}).has_value());
}

TEST(ToyScore, PromptsNameWhatTheySay) {
  const auto named = [](const char* prompt) { return named_attributes(prompt, kAsked.subject); };
  using Set = std::set<ToyAttribute>;
  EXPECT_EQ(named("the star in <image>. a small star at night"), Set{kShape});
  EXPECT_EQ(named("Two Stars in the snow"), Set{kShape});
  EXPECT_EQ(named("the object in <image>. at night"), Set{});
  EXPECT_EQ(named("a red and white striped star"), (Set{kShape, kFirst, kSecond, kPattern}));
  EXPECT_EQ(named("a white and blue dotted object"), Set{kSecond});
  EXPECT_EQ(named("starred, redder, stripedish"), Set{});
}

TEST(ToyScore, NamesAttributes) {
  EXPECT_EQ(name_of(kShape), "shape");
  EXPECT_EQ(name_of(kPlace), "place");
}

}  // namespace
}  // namespace mentor
