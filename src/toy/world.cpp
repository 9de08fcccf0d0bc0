#include "mentor/toy/world.h"

#include "draws.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/toy/appearance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace mentor {
namespace {

constexpr int kShapes = kToyShapes.size(), kColors = kToyColors.size();
constexpr int kPatterns = kToyPatterns.size();
static_assert(kNumIdentities == kShapes * kPatterns * kColors * (kColors - 1));

bool is_in_palette(const Identity& identity, std::string_view palette) {
  if (palette == "full") return true;
  const auto is_second = [](int color) {
    return kToyColors.at(color).name == "orange" || kToyColors.at(color).name == "white";
  };
  return is_second(identity.second) && !is_second(identity.first);
}

std::vector<Identity> select_identities(std::string_view palette, Split split) {
  std::vector<Identity> selected;
  for (int number = 0; number < kNumIdentities; ++number) {
    const Identity identity = identity_of(number);
    if (is_in_palette(identity, palette) && is_held_out(identity) == (split == Split::kHeldOut)) {
      selected.push_back(identity);
    }
  }
  return selected;
}

struct Interval {
  double low, high;
};

/// The object's extent, with its outline, along the direction of an angle.
Interval extent(const ToyObject& object, double angle) {
  const double along_x = std::cos(angle - object.tilt), along_y = std::sin(angle - object.tilt);
  Interval extent{std::numeric_limits<double>::infinity(),
                  -std::numeric_limits<double>::infinity()};
  for (const ToyPoint& point : toy_polygon(object.identity.shape)) {
    const double at = point.x * along_x + point.y * along_y;
    extent = {std::min(extent.low, at), std::max(extent.high, at)};
  }
  const double centre = object.x * std::cos(angle) + object.y * std::sin(angle);
  const double outline = kToyOutlineWidth / 2;
  return {centre + object.radius * extent.low - outline,
          centre + object.radius * extent.high + outline};
}

/// Whether a straight gap of `margin` runs between two objects. Tries 16 directions, so it may miss
/// a gap but never sees one that is not there.
bool are_apart(const ToyObject& a, const ToyObject& b, double margin) {
  constexpr int kDirections = 16;
  for (int i = 0; i < kDirections; ++i) {
    const double angle = std::numbers::pi * i / kDirections;
    const Interval of_a = extent(a, angle), of_b = extent(b, angle);
    if (of_b.low - of_a.high > margin || of_a.low - of_b.high > margin) return true;
  }
  return false;
}

/// Another shape beside the only subject: in a place for small ones if there is room, else smaller
/// in a corner, else nowhere (beside a large subject in the middle).
std::optional<ToyObject> draw_distractor(const ToyConfig& config, const ToyObject& subject,
                                         const Draws& draws) {
  constexpr double kGap = 1.5, kCornerRadius = 8.5, kCorner = 11;
  std::vector<ToyObject> places;
  for (const double y : kSmallPlaces) {
    for (const double x : kSmallPlaces) places.push_back({.x = x, .y = y, .radius = kSmallRadius});
  }
  const auto corners = places.size();
  for (const double y : {kCorner, kToyUnits - kCorner}) {
    for (const double x : {kCorner, kToyUnits - kCorner}) {
      places.push_back({.x = x, .y = y, .radius = kCornerRadius});
    }
  }
  std::rotate(places.begin(), places.begin() + draws.pick("distractor cell", 9),
              places.begin() + corners);
  std::rotate(places.begin() + corners, places.begin() + corners + draws.pick("corner", 4),
              places.end());
  // Of the training identities always: a held-out one is only ever the subject.
  const std::vector<Identity>& all = identities(config.palette, Split::kTrain);
  size_t number = static_cast<size_t>(draws.pick("distractor", static_cast<int>(all.size())));
  while (all[number].shape == subject.identity.shape) number = (number + 1) % all.size();
  for (ToyObject& place : places) {
    place.identity = all[number];
    place.tilt = 0.2 * config.jitter * draws.symmetric("distractor tilt");
    if (are_apart(place, subject, kGap)) return place;
  }
  return std::nullopt;
}

}  // namespace

int number_of(const Identity& identity) {
  const int second = identity.second - (identity.second > identity.first ? 1 : 0);
  return identity.shape +
         kShapes * (identity.pattern + kPatterns * (identity.first + kColors * second));
}

Identity identity_of(int number) {
  if (number < 0 || number >= kNumIdentities) {
    throw DataError(
        format("there is no identity {}: the toy world has {}, from 0", number, kNumIdentities));
  }
  Identity identity;
  identity.shape = number % kShapes;
  identity.pattern = number / kShapes % kPatterns;
  identity.first = number / (kShapes * kPatterns) % kColors;
  const int second = number / (kShapes * kPatterns * kColors);
  identity.second = second + (second >= identity.first ? 1 : 0);
  return identity;
}

bool is_held_out(const Identity& identity) {
  constexpr uint32_t kMultiplier = 2654435761;  // Knuth's, of 32 bits
  return (static_cast<uint32_t>(number_of(identity)) * kMultiplier >> 16) % 8 == 0;
}

std::string_view name_of(Split split) { return split == Split::kTrain ? "train" : "held_out"; }

const std::vector<Identity>& identities(std::string_view palette, Split split) {
  static const std::array<std::vector<Identity>, 4> lists = {
      select_identities("small", Split::kTrain), select_identities("small", Split::kHeldOut),
      select_identities("full", Split::kTrain), select_identities("full", Split::kHeldOut)};
  return lists[(palette == "full" ? 2 : 0) + (split == Split::kHeldOut ? 1 : 0)];
}

void place_objects(Scene& scene, double jitter, uint64_t seed) {
  const Draws draws(seed);
  const auto stray = [&](std::string_view choice, double most) {
    return jitter * most * draws.symmetric(choice);
  };
  const auto& places = scene.large ? kLargePlaces : kSmallPlaces;
  const int row = scene.count == 1 ? scene.place / 3 : scene.place;
  const ToyObject object{
      .identity = scene.subject,
      .y = places.at(row) + stray("y", 1.5),
      .radius = (scene.large ? kLargeRadius : kSmallRadius) * (1 + stray("radius", 0.05)),
      .tilt = stray("tilt", 0.2)};
  scene.objects.assign(static_cast<size_t>(scene.count), object);
  if (scene.count == 1) {
    scene.objects[0].x = places.at(scene.place % 3) + stray("x", 1.5);
    return;
  }
  // Two that nearly touch would be taken for one: they stray less.
  scene.objects[0].x = kTwoPlaces[0] + stray("left", 0.7);
  scene.objects[1].x = kTwoPlaces[1] + stray("right", 0.7);
}

Scene draw_scene(const ToyConfig& config, const Identity& subject, SceneRole role, uint64_t seed) {
  const bool is_reference = role == SceneRole::kReference;
  const Draws draws(seed);
  Scene scene{.subject = subject};
  scene.background = draws.pick("background", kToyBackgrounds.size());
  scene.count = draws.chance("two", is_reference ? 0.1 : 0.2) ? 2 : 1;
  scene.large = scene.count == 1 && draws.chance("large", is_reference ? 0.6 : 0.5);
  scene.place = draws.pick("place", scene.count == 1 ? 9 : 3);
  place_objects(scene, config.jitter, draws.seed_of("objects"));
  if (is_reference && scene.count == 1 && draws.chance("distract", config.distractor_rate)) {
    scene.distractor = draw_distractor(config, scene.objects.front(), draws);
  }
  return scene;
}

}  // namespace mentor
