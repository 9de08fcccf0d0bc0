#pragma once

#include "shape_map.h"
#include "unit_mask.h"

#include <vector>

namespace mentor {

/// A pose whose silhouette is like the one that was asked about.
struct SilhouetteMatch {
  ToyPose pose;
  double overlap = 0;  // intersection over union
};

/// Silhouettes of all shapes in all sizes and tilts that the world draws, and some more.
class ShapeBank {
 public:
  explicit ShapeBank(const ShapeMap& shapes);

  /// The best few of each of the best few shapes, the best first, none much worse than that.
  [[nodiscard]] std::vector<SilhouetteMatch> find(const UnitMask& silhouette) const;

 private:
  struct Entry {
    ToyPose pose;  // with the middle of the silhouette's bounds at (32, 32)
    UnitMask silhouette;
    int area = 0;
    UnitBox bounds;
  };

  std::vector<Entry> entries_;
};

}  // namespace mentor
