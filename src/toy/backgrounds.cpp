#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/image/resample.h"
#include "mentor/toy/appearance.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace mentor {
namespace {

// Each background is a colour at every point. None comes near the colours of objects over an area
// that could be mistaken for one.

Rgb blend(Rgb from, Rgb to, double share) {
  const double t = std::clamp(share, 0.0, 1.0);
  const auto mix = [t](uint8_t a, uint8_t b) {
    return static_cast<uint8_t>(std::lround(a + (b - a) * t));
  };
  return {mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue)};
}

/// Whether the point is in a disc about one of `centres`.
bool is_dot(std::span<const ToyPoint> centres, double radius, double x, double y) {
  return std::ranges::any_of(centres,
                             [&](ToyPoint c) { return std::hypot(x - c.x, y - c.y) < radius; });
}

Rgb meadow(double x, double y) {
  if (y < 38) return blend({120, 185, 238}, {178, 214, 245}, y / 40);
  const bool is_blade = std::fmod(0.7 * x + 2 * std::sin(0.8 * x) + 1.3 * y, 9) < 1.5;
  return is_blade ? Rgb{105, 165, 78} : Rgb{128, 188, 95};
}

Rgb beach(double, double y) {
  if (y < 24) return blend({150, 208, 245}, {190, 225, 246}, y / 24);
  if (y < 36) return {75, 165, 195};
  return y < 38 ? Rgb{250, 246, 235} : Rgb{236, 216, 165};
}

Rgb snow(double x, double y) {
  static constexpr std::array<ToyPoint, 8> kFlakes = {
      {{8, 9}, {22, 20}, {38, 6}, {52, 17}, {14, 28}, {58, 29}, {31, 13}, {45, 26}}};
  if (is_dot(kFlakes, 1.5, x, y)) return {225, 232, 244};
  if (y > 34 + 3 * std::sin(0.12 * x)) return {196, 212, 234};
  return blend({140, 152, 178}, {170, 182, 204}, y / 30);
}

Rgb night(double x, double y) {
  static constexpr std::array<ToyPoint, 11> kStars = {{{6, 7},
                                                       {19, 15},
                                                       {33, 5},
                                                       {47, 11},
                                                       {58, 21},
                                                       {11, 27},
                                                       {27, 30},
                                                       {41, 24},
                                                       {54, 36},
                                                       {3, 40},
                                                       {37, 41}}};
  if (y > 50 + 2 * std::sin(0.2 * x)) return {64, 84, 96};
  if (is_dot(kStars, 1.25, x, y)) return {225, 225, 190};
  return blend({22, 56, 104}, {52, 92, 142}, y / 48);
}

Rgb desert(double x, double y) {
  const double dune = 38 + 4 * std::sin(0.1 * x + 1);
  if (y > dune + 10 + 2 * std::sin(0.17 * x)) return {182, 124, 74};
  if (y > dune) return {205, 148, 92};
  return blend({245, 150, 95}, {252, 214, 160}, y / 36);
}

Rgb forest(double x, double y) {
  if (y < 10 + 2 * std::sin(0.5 * x)) return {66, 104, 74};
  if (y > 50) return {104, 110, 66};
  const double across = std::fmod(x, 16);
  return across > 4 && across < 9 ? Rgb{118, 92, 70} : Rgb{88, 128, 92};
}

Rgb wall(double x, double y) {
  const bool is_odd_row = (static_cast<int>(y / 8) & 1) != 0;
  const bool is_mortar = std::fmod(y, 8) < 1 || std::fmod(x + (is_odd_row ? 8 : 0), 16) < 1;
  return is_mortar ? Rgb{206, 188, 176} : Rgb{168, 96, 76};
}

Rgb studio(double, double y) { return y > 46 ? Rgb{118, 120, 126} : Rgb{150, 152, 158}; }

Rgb room(double x, double y) {
  if (y < 43) return std::fmod(x, 8) < 1 ? Rgb{208, 190, 152} : Rgb{226, 210, 174};
  if (y < 45) return {250, 248, 240};
  return std::fmod(y - 44, 6) < 1 ? Rgb{122, 84, 54} : Rgb{150, 106, 70};
}

Rgb sea(double x, double y) {
  if (y > 56 + 1.5 * std::sin(0.3 * x)) return {190, 170, 120};
  if (std::fmod(y + 3 * std::sin(0.25 * x) + 16, 16) < 1.2) return {80, 170, 200};
  return blend({48, 150, 185}, {24, 86, 130}, y / 64);
}

constexpr std::array<Rgb (*)(double, double), kToyBackgrounds.size()> kColorAt = {
    meadow, beach, snow, night, desert, forest, wall, studio, room, sea};

Image paint_background(size_t background, int64_t size) {
  constexpr int64_t kPoints = 512;  // along each axis, of which the pixels are averages
  Image large(kPoints, kPoints);
  constexpr double kUnit = kToyUnits / kPoints;
  for (int64_t y = 0; y < large.height; ++y) {
    for (int64_t x = 0; x < large.width; ++x) {
      const Rgb color = kColorAt[background]((static_cast<double>(x) + 0.5) * kUnit,
                                             (static_cast<double>(y) + 0.5) * kUnit);
      std::ranges::copy(std::array{color.red, color.green, color.blue}, large.at(x, y));
    }
  }
  return resize(large, {size, size}, Filter::kBox);
}

/// All of one size, painted when the first is asked for.
template <int64_t kSize>
const Image& cached_background(size_t background) {
  static const auto all = [] {
    std::array<Image, kToyBackgrounds.size()> pictures;
    for (size_t i = 0; i < pictures.size(); ++i) pictures[i] = paint_background(i, kSize);
    return pictures;
  }();
  return all.at(background);
}

}  // namespace

const Image& toy_background(int background, int64_t size) {
  const auto number = static_cast<size_t>(background);
  if (size == 32) return cached_background<32>(number);
  if (size == 64) return cached_background<64>(number);
  if (size == 128) return cached_background<128>(number);
  throw ConfigError(format("toy pictures have 32, 64 or 128 pixels a side, not {}", size));
}

}  // namespace mentor
