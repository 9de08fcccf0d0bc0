#include "mentor/core/error.h"
#include "mentor/core/parallel.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace mentor {
namespace {

Scene scene_of(uint64_t seed, const ToyConfig& config = {},
               SceneRole role = SceneRole::kReference) {
  const auto& all = identities(config.palette, Split::kTrain);
  return draw_scene(config, all[seed % all.size()], role, seed);
}

TEST(ToyWorld, NumbersAndIdentitiesAreTheSame) {
  for (int number = 0; number < kNumIdentities; ++number) {
    const Identity identity = identity_of(number);
    EXPECT_EQ(number_of(identity), number);
    EXPECT_NE(identity.first, identity.second);
  }
  EXPECT_THROW((void)identity_of(kNumIdentities), DataError);
  EXPECT_THROW((void)identity_of(-1), DataError);
}

TEST(ToyWorld, HoldsOutOneIdentityOfEight) {
  struct Case {
    const char* palette;
    size_t train, held_out;
  };
  for (const Case& palette : {Case{"small", 528, 72}, Case{"full", 2453, 347}}) {
    const auto& train = identities(palette.palette, Split::kTrain);
    const auto& held_out = identities(palette.palette, Split::kHeldOut);
    EXPECT_EQ(train.size(), palette.train);
    EXPECT_EQ((ToyConfig{.palette = palette.palette}).num_train_identities(),
              static_cast<int64_t>(palette.train));
    EXPECT_EQ(held_out.size(), palette.held_out);
    std::set<int> numbers;
    for (const auto* list : {&train, &held_out}) {
      for (const Identity& identity : *list) numbers.insert(number_of(identity));
    }
    EXPECT_EQ(numbers.size(), train.size() + held_out.size()) << "the lists share identities";
  }
}

TEST(ToyWorld, ASceneIsAFunctionOfItsSeed) {
  const ToyConfig config{.jitter = 1};
  std::set<std::vector<uint8_t>> pictures;
  for (uint64_t seed = 0; seed < 64; ++seed) {
    const Scene scene = scene_of(seed, config);
    EXPECT_EQ(scene, scene_of(seed, config));
    const ToyPicture picture = paint_scene(scene, 32), again = paint_scene(scene, 32);
    EXPECT_EQ(picture.image, again.image);
    EXPECT_EQ(picture.mask, again.mask);
    pictures.insert(picture.image.pixels);
  }
  EXPECT_EQ(pictures.size(), 64u);
}

TEST(ToyWorld, PaintsTheSameOnManyThreads) {
  std::vector<ToyPicture> pictures(64);
  for_each_index(64, 4, [&](int64_t i) { pictures[i] = paint_scene(scene_of(i), 64); });
  for (int64_t i = 0; i < 64; ++i) EXPECT_EQ(pictures[i].image, paint_scene(scene_of(i), 64).image);
}

class ToySizes : public ::testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(All, ToySizes, ::testing::Values(32, 64, 128));

TEST_P(ToySizes, TheMaskIsWhatTheSubjectChanges) {
  const int64_t size = GetParam();
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Scene scene = scene_of(seed, {.jitter = seed % 2 == 0 ? 1.0 : 0.0});
    const ToyPicture with = paint_scene(scene, size);
    ASSERT_EQ(with.image.size(), (ImageSize{size, size}));
    scene.objects.clear();
    const ToyPicture without = paint_scene(scene, size);
    int64_t covered = 0, unchanged = 0;
    for (int64_t i = 0; i < size * size; ++i) {
      const auto* of_with = &with.image.pixels[3 * i];
      const auto* of_without = &without.image.pixels[3 * i];
      const bool changed = !std::equal(of_with, of_with + 3, of_without);
      EXPECT_TRUE(!changed || with.mask.pixels[i] > 0) << "a subject's pixel is not in the mask";
      if (with.mask.pixels[i] < 255) continue;
      ++covered;
      if (!changed) ++unchanged;  // a colour that the background has
    }
    EXPECT_GT(covered, size * size / 30);
    EXPECT_LT(unchanged, covered / 20);
    EXPECT_TRUE(std::ranges::all_of(without.mask.pixels, [](uint8_t v) { return v == 0; }));
  }
}

TEST_P(ToySizes, SubjectsCoverWhatTheirPolygonDoes) {
  const int64_t size = GetParam();
  for (int shape = 0; shape < static_cast<int>(kToyShapes.size()); ++shape) {
    Scene scene{.subject = {.shape = shape}, .large = true, .place = 0};
    place_objects(scene, /*jitter=*/0, /*seed=*/0);
    const Image mask = paint_scene(scene, size).mask;
    double area = 0, twice = 0, around = 0;
    for (const uint8_t share : mask.pixels) area += share / 255.0;
    const auto polygon = toy_polygon(shape);
    for (size_t i = 0; i < polygon.size(); ++i) {
      EXPECT_LE(std::max(std::abs(polygon[i].x), std::abs(polygon[i].y)), 1.1);
      const ToyPoint a = polygon[i], b = polygon[(i + 1) % polygon.size()];
      twice += a.x * b.y - b.x * a.y;
      around += std::hypot(b.x - a.x, b.y - a.y);
    }
    const double radius = kLargeRadius * static_cast<double>(size) / kToyUnits;
    const double rim = kToyOutlineWidth / 2 * static_cast<double>(size) / kToyUnits;
    const double expected = std::abs(twice) / 2 * radius * radius + around * radius * rim;
    EXPECT_NEAR(area, expected, 0.01 * expected) << kToyShapes[shape];
  }
}

TEST(ToyWorld, DistractorsHaveAnotherShapeAndDoNotTouch) {
  int distractors = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Scene scene = scene_of(seed, {.jitter = 1});
    if (!scene.distractor) continue;
    ++distractors;
    EXPECT_NE(scene.distractor->identity.shape, scene.subject.shape);
    EXPECT_FALSE(is_held_out(scene.distractor->identity));
    const Image subject = paint_scene(scene, 64).mask;
    scene.objects = {*scene.distractor};
    const Image distractor = paint_scene(scene, 64).mask;
    for (size_t i = 0; i < subject.pixels.size(); ++i) {
      ASSERT_TRUE(subject.pixels[i] == 0 || distractor.pixels[i] == 0) << "seed " << seed;
    }
    EXPECT_FALSE(scene_of(seed, {.jitter = 1}, SceneRole::kTarget).distractor);
  }
  // 30 % of the references with one object, less those with a large one in the middle.
  EXPECT_GT(distractors, 2000 * 0.2);
  EXPECT_LT(distractors, 2000 * 0.3);
}

TEST(ToyWorld, ScenesHaveTheSharesOfTheirRole) {
  int two = 0, large = 0;
  std::set<int> backgrounds, places;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const Scene scene = scene_of(seed, {}, SceneRole::kTarget);
    two += scene.count == 2 ? 1 : 0;
    large += scene.large ? 1 : 0;
    EXPECT_EQ(scene.objects.size(), static_cast<size_t>(scene.count));
    EXPECT_EQ(scene.objects[0].radius, scene.large ? kLargeRadius : kSmallRadius);
    backgrounds.insert(scene.background);
    places.insert(scene.place);
  }
  EXPECT_NEAR(two, 400, 60);
  EXPECT_NEAR(large, 800, 80);
  EXPECT_EQ(backgrounds.size(), kToyBackgrounds.size());
  EXPECT_EQ(places.size(), 9u);
}

TEST(ToyWorld, RefusesOtherSizes) { EXPECT_THROW((void)paint_scene(scene_of(0), 48), ConfigError); }

}  // namespace
}  // namespace mentor
