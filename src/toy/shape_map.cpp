#include "shape_map.h"

#include <algorithm>

namespace mentor {
namespace {

double squared_distance(ToyPoint p, ToyPoint a, ToyPoint b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double square = dx * dx + dy * dy;
  const double share =
      square > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / square, 0.0, 1.0) : 0;
  const double to_x = p.x - a.x - share * dx, to_y = p.y - a.y - share * dy;
  return to_x * to_x + to_y * to_y;
}

/// Whether a ray to the right crosses the edge.
bool is_crossed(ToyPoint p, ToyPoint a, ToyPoint b) {
  return (a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x);
}

}  // namespace

ShapeMap::ShapeMap() : patterns_(draw_patterns()) {
  for (size_t shape = 0; shape < distances_.size(); ++shape) {
    distances_[shape] = draw_distances(static_cast<int>(shape));
  }
}

std::vector<float> ShapeMap::draw_distances(int shape) {
  std::vector<float> distances(kCells * kCells, kFar * kFar);  // squared at first
  std::vector<uint8_t> inside(kCells * kCells);
  const auto middle = [](int cell) { return (cell + 0.5) * kCell - kReach; };
  const auto polygon = toy_polygon(shape);
  for (size_t i = 0; i < polygon.size(); ++i) {
    const ToyPoint a = polygon[i], b = polygon[(i + 1) % polygon.size()];
    const auto first = [](double at) {
      return std::max(0, static_cast<int>((at + kReach) / kCell));
    };
    const auto last = [&](double at) { return std::min(kCells, first(at) + 1); };
    for (int row = first(std::min(a.y, b.y) - kFar); row < last(std::max(a.y, b.y) + kFar); ++row) {
      const double right = std::max(a.x, b.x) + kFar;
      for (int column = 0; column < last(right); ++column) {
        const ToyPoint point{middle(column), middle(row)};
        const int cell = row * kCells + column;
        if (is_crossed(point, a, b)) inside[cell] ^= 1;
        if (point.x < std::min(a.x, b.x) - kFar) continue;
        distances[cell] =
            std::min(distances[cell], static_cast<float>(squared_distance(point, a, b)));
      }
    }
  }
  for (size_t cell = 0; cell < distances.size(); ++cell) {
    distances[cell] = std::sqrt(distances[cell]) * (inside[cell] != 0 ? -1.0F : 1.0F);
  }
  return distances;
}

std::vector<uint8_t> ShapeMap::draw_patterns() {
  std::vector<uint8_t> patterns(kCells * kCells);
  for (int cell = 0; cell < kCells * kCells; ++cell) {
    const double u = (cell % kCells + 0.5) * kCell - kReach;
    const double v = (cell / kCells + 0.5) * kCell - kReach;
    for (int pattern = 0; pattern < static_cast<int>(kToyPatterns.size()); ++pattern) {
      if (shows_second_color(pattern, u, v)) patterns[cell] |= static_cast<uint8_t>(1 << pattern);
    }
  }
  return patterns;
}

}  // namespace mentor
