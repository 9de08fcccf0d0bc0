#pragma once

#include "mentor/toy/appearance.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace mentor {

/// Where an object of some shape is: what a picture of it depends on, but for its colours.
struct ToyPose {
  int shape = 0;
  double x = 32, y = 32, radius = 12.5, tilt = 0;  // as ToyObject
};

/// The edges of all shapes and the patterns as tables over (u, v), in radii before the tilt.
class ShapeMap {
 public:
  ShapeMap();

  /// A row of equally spaced points of a pose's own frame.
  class Frame {
   public:
    Frame(const ShapeMap& map, const ToyPose& pose)
        : distances_(map.distances_.at(pose.shape).data()),
          patterns_(map.patterns_.data()),
          radius_(static_cast<float>(pose.radius)),
          along_(static_cast<float>(std::cos(pose.tilt) / (pose.radius * kCell))),
          across_(static_cast<float>(std::sin(pose.tilt) / (pose.radius * kCell))),
          x_(static_cast<float>(pose.x)),
          y_(static_cast<float>(pose.y)) {}

    /// The table's cell of a point of the picture, in units.
    [[nodiscard]] int cell(float x, float y) const {
      const float u = along_ * (x - x_) + across_ * (y - y_) + kMiddle;
      const float v = along_ * (y - y_) - across_ * (x - x_) + kMiddle;
      const auto clamped = [](float at) {
        return static_cast<int>(at < 0 ? 0 : at > kCells - 1 ? kCells - 1 : at);
      };
      return clamped(v) * kCells + clamped(u);
    }
    /// Units from the edge, negative inside; exact to 2.5 units.
    [[nodiscard]] float distance(int cell) const { return distances_[cell] * radius_; }
    /// Bit p is set where pattern p shows the second colour.
    [[nodiscard]] uint8_t patterns(int cell) const { return patterns_[cell]; }

   private:
    const float* distances_;
    const uint8_t* patterns_;
    float radius_, along_, across_, x_, y_;
  };

 private:
  static constexpr int kCells = 192;
  static constexpr double kReach = 1.4;  // radii from the middle to the end of the table
  static constexpr double kCell = 2 * kReach / kCells;
  static constexpr float kMiddle = kCells / 2;
  static constexpr float kFar = 0.4F;  // radii; more is not distinguished

  static std::vector<float> draw_distances(int shape);
  static std::vector<uint8_t> draw_patterns();

  std::array<std::vector<float>, kToyShapes.size()> distances_;
  std::vector<uint8_t> patterns_;
};

}  // namespace mentor
