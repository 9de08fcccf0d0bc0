#pragma once

#include "mentor/image/image.h"
#include "mentor/toy/world.h"
#include "shape_map.h"
#include "unit_mask.h"

#include <vector>

namespace mentor {

/// A picture in 64 x 64 units, with what fits of its objects need to know about it.
class FittedPicture {
 public:
  /// Squared distance of colours beyond which one is simply another.
  static constexpr float kOther = 9000;
  using ColorCosts = std::array<float, kToyColors.size()>;

  /// Both are 64 x 64; of a picture that had fewer pixels each is `pitch` units wide.
  FittedPicture(const Image& picture, const Image& background, int pitch);

  [[nodiscard]] const ColorCosts& colors(int x, int y) const { return colors_[index(x, y)]; }
  [[nodiscard]] float outline(int x, int y) const { return outline_[index(x, y)]; }
  [[nodiscard]] const uint8_t* pixel(int x, int y) const { return picture_.at(x, y); }
  [[nodiscard]] const uint8_t* background(int x, int y) const { return background_.at(x, y); }
  [[nodiscard]] int pitch() const { return pitch_; }

 private:
  [[nodiscard]] static int index(int x, int y) { return y * UnitMask::kSide + x; }

  const Image& picture_;
  const Image& background_;
  int pitch_;
  std::vector<ColorCosts> colors_;
  std::vector<float> outline_;
};

/// Finds the identity and the pose of one object.
class ObjectFit {
 public:
  /// What is given must outlive it. `silhouette`: the object's, without holes.
  ObjectFit(const ShapeMap& shapes, const FittedPicture& picture, const UnitMask& silhouette);

  /// Tries all identities of the pose's shape in it.
  void try_pose(const ToyPose& pose, double overlap);

  struct Found {
    ToyObject object;
    double overlap = 0;
    double margin = 0;  // by how much the next identity is worse: 0 (not at all) to 1
  };
  /// Of the identities that cost least in the poses that were tried, the one whose drawing
  /// resembles the picture most. A pose must have been tried.
  [[nodiscard]] Found best() const;

 private:
  struct Tried {
    ToyPose pose;
    double overlap = 0, cost = 0;
  };

  struct Drawn {
    Identity identity;
    ToyPose pose;
    double cost = 0;
  };

  /// The identity in the pose near `start` whose drawing resembles the picture most.
  [[nodiscard]] Drawn refine(const Identity& identity, const ToyPose& start) const;
  /// Squared differences up to a limit, added up. Stops where they are more than `limit`.
  [[nodiscard]] double compare_drawing(const Identity& identity, const ToyPose& pose,
                                       double limit) const;

  const ShapeMap& shapes_;
  const FittedPicture& picture_;
  const UnitMask& silhouette_;
  UnitBox bounds_;
  int area_;
  std::array<Tried, kToyShapes.size()> best_of_shape_;
  std::vector<double> cost_of_identity_;  // over number_of()
};

}  // namespace mentor
