#pragma once

#include "mentor/image/image.h"
#include "mentor/toy/world.h"

#include <memory>
#include <optional>
#include <vector>

namespace mentor {

/// An object as it was seen, and how sure that is.
struct SeenObject {
  ToyObject object;
  double overlap = 0;  // of its silhouette with that of the object, 0 to 1
  double margin = 0;   // 0: another identity explains its colours as well; 1: none does at all
  int area = 0;        // square units
};

/// What a picture shows, as far as it shows a picture of the toy world.
struct ToyReading {
  std::optional<int> background;    // none: no known one
  double background_share = 0;      // of the picture that looks like the best one
  std::vector<SeenObject> objects;  // the largest first
};

/// Reads pictures of the toy world by comparing them with drawings: no learning, the same answer
/// always. Any thread may read.
class Oracle {
 public:
  /// Draws what pictures are compared with, in a tenth of a second.
  Oracle();
  ~Oracle();
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  /// An RGB picture of any size; 64 x 64 of it are looked at.
  [[nodiscard]] ToyReading read(const Image& picture) const;

 private:
  struct Drawings;
  std::unique_ptr<const Drawings> drawings_;
};

/// What the oracle saw, drawn; what it has no background for is black.
[[nodiscard]] Image redraw(const ToyReading& reading, int64_t size);

}  // namespace mentor
