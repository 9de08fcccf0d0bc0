#pragma once

#include "mentor/image/image.h"
#include "mentor/image/resample.h"

#include <array>
#include <cstdint>
#include <optional>

namespace mentor {

/// Output-to-input map of the stretch: scale_x > 1 makes the canvas wider and the object slimmer.
struct Stretch {
  double scale_x = 1.0;
  double scale_y = 1.0;
  double shear = 0.0;
};

/// Positions as fractions of the picture: where its corners go, in the order top left, top right,
/// bottom right, bottom left.
struct Corner {
  double x = 0.0;
  double y = 0.0;
};
using Perspective = std::array<Corner, 4>;

/// What the image-recovery task does to a segmented object before it is pasted on another
/// background: scale, stretch, rotation, perspective, place; absent steps are skipped.
struct Perturbation {
  double scale = 1.0;
  std::optional<Stretch> stretch;
  std::optional<double> degrees;  // counter-clockwise
  std::optional<Perspective> perspective;
  // Place of the object in the room that is left, 0 = left or top, 1 (excluded) = right or bottom.
  double place_x = 0.0;
  double place_y = 0.0;
};

/// Draws the reference's distribution (stretch, rotation and perspective together, every second
/// time), with scales from `min_scale` to 1: a pure function of the seed.
[[nodiscard]] Perturbation draw_perturbation(uint64_t seed, double min_scale = 0.2);

/// An object and its opacity, of one size.
struct MaskedObject {
  Image image;
  Image mask;
};

/// Scales and warps an object as `perturbation` says; `canvas` is the background's size, into
/// which a rotated object is fitted.
[[nodiscard]] MaskedObject warp_object(const MaskedObject& object, const Perturbation& perturbation,
                                       ImageSize canvas);

/// Pastes the perturbed object on the background with its mask as opacity.
[[nodiscard]] Image recompose(const Image& background, const MaskedObject& object,
                              const Perturbation& perturbation);

}  // namespace mentor
