#pragma once

#include "mentor/image/image.h"
#include "mentor/toy/toy_config.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mentor {

// A world of patterned shapes in ten places, drawn from formulas: small enough to learn in minutes,
// and every picture can be read back (toy/oracle.h). All functions are pure, and thread-safe.

/// What stays the same about a subject from picture to picture. Numbers: toy/appearance.h.
struct Identity {
  int shape = 0, first = 0, second = 1, pattern = 0;  // colours first != second
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// Identities are numbered over the full palette, so a number means the same with every palette.
inline constexpr int kNumIdentities = 2800;
[[nodiscard]] int number_of(const Identity& identity);
[[nodiscard]] Identity identity_of(int number);

/// One identity of eight, by a hash of its number, is never shown in training.
[[nodiscard]] bool is_held_out(const Identity& identity);

enum class Split { kTrain, kHeldOut };
[[nodiscard]] std::string_view name_of(Split split);  // "train", "held_out"

/// Those of a palette ("small" or "full"), by number.
[[nodiscard]] const std::vector<Identity>& identities(std::string_view palette, Split split);

/// One object of a picture, in units of the picture's 64th.
struct ToyObject {
  Identity identity;
  double x = 32, y = 32;
  double radius = 12.5;
  double tilt = 0;  // radians, clockwise
  friend bool operator==(const ToyObject&, const ToyObject&) = default;
};

/// What a picture shows: what is said about it, and what follows from that.
struct Scene {
  Identity subject;
  int background = 0;
  int count = 1;                   // 1, or 2 small ones side by side
  bool large = false;              // never of two
  int place = 4;                   // of one: row * 3 + column; of two: the row
  std::vector<ToyObject> objects;  // `count` of the subject
  std::optional<ToyObject> distractor;

  friend bool operator==(const Scene&, const Scene&) = default;
};

/// Where subjects stand and how large they are, by Scene::place. On the corners of 4 x 4 patches of
/// a 32 px picture, so that equal objects make equal patches.
inline constexpr std::array<double, 3> kSmallPlaces = {16, 32, 48};
inline constexpr std::array<double, 3> kLargePlaces = {24, 32, 40};
inline constexpr std::array<double, 2> kTwoPlaces = {16, 48};  // x; y is that of a small one
inline constexpr double kSmallRadius = 12.5, kLargeRadius = 20.5;

/// Fills in the objects of what is said; `jitter` of 0 to 1, drawn from the seed.
void place_objects(Scene& scene, double jitter, uint64_t seed);

/// Pictures that show a subject to the model, or that it is to draw.
enum class SceneRole {
  kReference,  // 10 % two, else 60 % large; may hold a distractor
  kTarget,     // 20 % two, else half large
};

/// A scene of the subject with everything else drawn from the seed.
[[nodiscard]] Scene draw_scene(const ToyConfig& config, const Identity& subject, SceneRole role,
                               uint64_t seed);

struct ToyPicture {
  Image image;  // RGB
  Image mask;   // one channel: the share of each pixel that the subject covers, 255 = all of it
};

/// The scene in size x size pixels (32, 64 or 128), anti-aliased.
[[nodiscard]] ToyPicture paint_scene(const Scene& scene, int64_t size);

}  // namespace mentor
