#include "mentor/toy/appearance.h"

#include <cmath>
#include <numbers>
#include <vector>

namespace mentor {
namespace {

using Polygon = std::vector<ToyPoint>;
using std::numbers::pi;

/// Points of a closed curve: `at` of as many angles.
template <class Curve>
Polygon closed_curve(int points, const Curve& at) {
  Polygon polygon;
  for (int i = 0; i < points; ++i) polygon.push_back(at(2 * pi * i / points));
  return polygon;
}

Polygon star() {
  Polygon polygon;
  for (int i = 0; i < 10; ++i) {
    const double radius = i % 2 == 0 ? 1.1 : 0.54, angle = pi * i / 5;
    polygon.push_back({radius * std::sin(angle), -radius * std::cos(angle)});
  }
  return polygon;
}

/// The well-known heart curve of sines and cosines, scaled to the unit square.
ToyPoint heart(double t) {
  const double x = 16 * std::pow(std::sin(t), 3);
  const double y = 13 * std::cos(t) - 5 * std::cos(2 * t) - 2 * std::cos(3 * t) - std::cos(4 * t);
  return {x / 16.5, -(y + 2.5) / 15};
}

ToyPoint flower(double t) {
  const double radius = 0.8 + 0.26 * std::cos(6 * t);
  return {radius * std::sin(t), -radius * std::cos(t)};
}

/// An ellipse that is open to the right, where the tail begins.
Polygon fish() {
  Polygon polygon;
  for (int i = 0; i <= 60; ++i) {
    const double angle = pi * (-0.84 + 1.68 * i / 60);
    polygon.push_back({-0.15 - 0.85 * std::cos(angle), -0.62 * std::sin(angle)});
  }
  polygon.insert(polygon.end(), {{1.05, -0.62}, {0.85, 0}, {1.05, 0.62}});
  return polygon;
}

Polygon cross() {
  constexpr double kArm = 0.38, kEnd = 0.98;
  return {{-kArm, -kEnd}, {kArm, -kEnd}, {kArm, -kArm},  {kEnd, -kArm},
          {kEnd, kArm},   {kArm, kArm},  {kArm, kEnd},   {-kArm, kEnd},
          {-kArm, kArm},  {-kEnd, kArm}, {-kEnd, -kArm}, {-kArm, -kArm}};
}

std::array<Polygon, kToyShapes.size()> polygons() {
  const auto circle = [](double t) { return ToyPoint{0.95 * std::cos(t), 0.95 * std::sin(t)}; };
  return {closed_curve(96, circle),
          Polygon{{-0.82, -0.82}, {0.82, -0.82}, {0.82, 0.82}, {-0.82, 0.82}},
          Polygon{{0, -1}, {1.05, 0.85}, {-1.05, 0.85}},
          star(),
          closed_curve(96, heart),
          cross(),
          closed_curve(96, flower),
          Polygon{{0, -1.1}, {0.8, 0}, {0, 1.1}, {-0.8, 0}},
          fish(),
          Polygon{{0, -1.08},
                  {1.05, -0.2},
                  {0.75, -0.2},
                  {0.75, 0.95},
                  {-0.75, 0.95},
                  {-0.75, -0.2},
                  {-1.05, -0.2}}};
}

/// The nearest whole number; std::floor would cost more than all else here.
int nearest(double x) {
  constexpr int kPositive = 64;  // more than any coordinate of an object
  return static_cast<int>(x + kPositive + 0.5) - kPositive;
}

bool is_odd_cell(double x, double width) { return (nearest(x / width) & 1) != 0; }

/// Distance to the nearest multiple of `pitch`, with its sign.
double off_grid(double x, double pitch) { return x - pitch * nearest(x / pitch); }

bool is_in_disc(double x, double y, double radius) { return x * x + y * y < radius * radius; }

}  // namespace

std::span<const ToyPoint> toy_polygon(int shape) {
  static const std::array<Polygon, kToyShapes.size()> all = polygons();
  return all.at(static_cast<size_t>(shape));
}

bool shows_second_color(int pattern, double u, double v) {
  constexpr double kStripe = 0.46, kDotPitch = 0.72, kDot = 0.235, kCheck = 0.62, kSpot = 0.45;
  switch (pattern) {
    case 0:  // striped
      return is_odd_cell(v, kStripe);
    case 1:  // dotted
      return is_in_disc(off_grid(u, kDotPitch), off_grid(v, kDotPitch), kDot);
    case 2:  // checked
      return is_odd_cell(u, kCheck) != is_odd_cell(v, kCheck);
    case 3:  // split
      return u > 0;
    default:  // spotted: the weight of most shapes lies a little below their centre
      return is_in_disc(u, v - 0.1, kSpot);
  }
}

}  // namespace mentor
