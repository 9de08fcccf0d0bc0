#pragma once

#include "mentor/image/image.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace mentor {

// What the toy world is drawn with: everything that a reader of its pictures must know, too.
// Lengths are in units of a picture's 64th, x to the right, y down; shapes, colours, patterns and
// backgrounds are numbers, their places in these lists.

inline constexpr double kToyUnits = 64;  // side of a picture of any size

inline constexpr std::array<std::string_view, 10> kToyShapes = {
    "circle", "square", "triangle", "star", "heart", "cross", "flower", "diamond", "fish", "house"};
inline constexpr std::array<std::string_view, 5> kToyPatterns = {"striped", "dotted", "checked",
                                                                 "split", "spotted"};
inline constexpr std::array<std::string_view, 10> kToyBackgrounds = {
    "meadow", "beach", "snow", "night", "desert", "forest", "wall", "studio", "room", "sea"};

struct Rgb {
  uint8_t red, green, blue;
};
struct ToyColor {
  std::string_view name;
  Rgb rgb;
};
inline constexpr std::array<ToyColor, 8> kToyColors = {{{"red", {222, 40, 40}},
                                                        {"orange", {245, 140, 25}},
                                                        {"yellow", {250, 222, 50}},
                                                        {"green", {45, 175, 70}},
                                                        {"blue", {45, 95, 225}},
                                                        {"purple", {140, 55, 190}},
                                                        {"pink", {250, 135, 195}},
                                                        {"white", {250, 250, 250}}}};

/// A line of this width runs along every object's edge, half of it outside.
inline constexpr Rgb kToyOutline = {20, 16, 24};
inline constexpr double kToyOutlineWidth = 1.3;

struct ToyPoint {
  double x, y;
};

/// The outline of a shape about (0, 0), in radii; no coordinate is beyond 1.1.
[[nodiscard]] std::span<const ToyPoint> toy_polygon(int shape);

/// Whether a pattern shows the second colour at (u, v): in radii, before the object is tilted.
[[nodiscard]] bool shows_second_color(int pattern, double u, double v);

/// A background without objects, size x size (32, 64 or 128).
[[nodiscard]] const Image& toy_background(int background, int64_t size);

}  // namespace mentor
