#include "object_fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>

namespace mentor {
namespace {

constexpr int kSide = UnitMask::kSide;
constexpr int kColors = kToyColors.size(), kPatterns = kToyPatterns.size();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kOther = FittedPicture::kOther;

using ColorCosts = FittedPicture::ColorCosts;

float cost_of(const uint8_t* pixel, Rgb color) {
  const auto square = [](int difference) { return static_cast<float>(difference * difference); };
  return std::min(kOther, square(pixel[0] - color.red) + square(pixel[1] - color.green) +
                              square(pixel[2] - color.blue));
}

void add(ColorCosts& sum, const ColorCosts& costs) {
  for (int color = 0; color < kColors; ++color) sum[color] += costs[color];
}

/// The sums over a pose's pixels. Those inside are apart by the set of patterns that show the
/// second colour there, so one pass serves all patterns.
struct PoseSums {
  std::array<ColorCosts, 1 << kPatterns> inside{};
  int num_inside = 0, num_outline = 0;
  int num_covered = 0;  // of the silhouette
  float outline = 0;
};

PoseSums add_pixels(const ToyPose& pose, const ShapeMap& shapes, const FittedPicture& picture,
                    const UnitMask& silhouette) {
  constexpr float kInside = -1.5F, kOutline = 0.2F, kCovered = 1.8F;  // units from the edge
  const ShapeMap::Frame frame(shapes, pose);
  const auto begin = [](double at) { return std::clamp(static_cast<int>(at), 0, kSide); };
  const double reach = 1.15 * std::numbers::sqrt2 * pose.radius + kCovered;
  PoseSums sums;
  for (int y = begin(pose.y - reach); y < begin(pose.y + reach + 1); ++y) {
    for (int x = begin(pose.x - reach); x < begin(pose.x + reach + 1); ++x) {
      const int cell = frame.cell(static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F);
      const float distance = frame.distance(cell);
      if (distance > kCovered) continue;
      if (silhouette.at(x, y)) ++sums.num_covered;
      if (distance < kInside) {
        add(sums.inside[frame.patterns(cell)], picture.colors(x, y));
        ++sums.num_inside;
      } else if (distance <= kOutline) {
        sums.outline += picture.outline(x, y);
        ++sums.num_outline;
      }
    }
  }
  return sums;
}

/// Draws pixels of an object with soft edges.
class PixelDrawing {
 public:
  /// Pixels are `pitch` units wide.
  PixelDrawing(const ShapeMap::Frame& frame, const Identity& identity, int pitch)
      : frame_(frame),
        first_(kToyColors.at(identity.first).rgb),
        second_(kToyColors.at(identity.second).rgb),
        pattern_(identity.pattern),
        pitch_(pitch) {}

  /// The pixel whose top left corner is at (x, y) units.
  [[nodiscard]] Rgb pixel(int x, int y, Rgb background) const {
    const auto half = static_cast<float>(pitch_) / 2, left = static_cast<float>(x),
               top = static_cast<float>(y);
    // Its corners are no further from its middle than 1.5 halves.
    if (frame_.distance(frame_.cell(left + half, top + half)) > kEdge + 1.5F * half) {
      return background;
    }
    constexpr float kStep = 0.5;  // units between samples
    const int samples = 2 * pitch_;
    int red = 0, green = 0, blue = 0;
    for (int row = 0; row < samples; ++row) {
      for (int column = 0; column < samples; ++column) {
        const Rgb color = sample(left + (static_cast<float>(column) + 0.5F) * kStep,
                                 top + (static_cast<float>(row) + 0.5F) * kStep, background);
        red += color.red;
        green += color.green;
        blue += color.blue;
      }
    }
    const auto mean = [&](int sum) { return static_cast<uint8_t>(sum / (samples * samples)); };
    return {mean(red), mean(green), mean(blue)};
  }

 private:
  static constexpr auto kEdge = static_cast<float>(kToyOutlineWidth / 2);

  [[nodiscard]] Rgb sample(float x, float y, Rgb background) const {
    const int cell = frame_.cell(x, y);
    const float distance = frame_.distance(cell);
    if (distance > kEdge) return background;
    if (distance > -kEdge) return kToyOutline;
    return (frame_.patterns(cell) >> pattern_ & 1) != 0 ? second_ : first_;
  }

  ShapeMap::Frame frame_;
  Rgb first_, second_;
  int pattern_, pitch_;
};

}  // namespace

FittedPicture::FittedPicture(const Image& picture, const Image& background, int pitch)
    : picture_(picture),
      background_(background),
      pitch_(pitch),
      colors_(kSide * kSide),
      outline_(kSide * kSide) {
  for (size_t i = 0; i < outline_.size(); ++i) {
    const uint8_t* rgb = picture.pixels.data() + 3 * i;
    for (int color = 0; color < kColors; ++color) {
      colors_[i][color] = cost_of(rgb, kToyColors[color].rgb);
    }
    outline_[i] = cost_of(rgb, kToyOutline);
  }
}

ObjectFit::ObjectFit(const ShapeMap& shapes, const FittedPicture& picture,
                     const UnitMask& silhouette)
    : shapes_(shapes),
      picture_(picture),
      silhouette_(silhouette),
      bounds_(bounds(silhouette)),
      area_(area(silhouette)),
      cost_of_identity_(kNumIdentities, kInfinity) {
  best_of_shape_.fill({.cost = kInfinity});
}

void ObjectFit::try_pose(const ToyPose& pose, double overlap) {
  // The outline tells less than the colours; a silhouette of another shape counts against it.
  constexpr double kOutlineWeight = 0.5, kShapeCost = 6000;
  const PoseSums sums = add_pixels(pose, shapes_, picture_, silhouette_);
  const double fixed =
      kOutlineWeight * sums.outline + kOther * static_cast<float>(area_ - sums.num_covered);
  const double pixels = sums.num_inside + kOutlineWeight * sums.num_outline;
  double least = kInfinity;
  for (int pattern = 0; pattern < kPatterns; ++pattern) {
    ColorCosts first{}, second{};
    for (size_t shown = 0; shown < sums.inside.size(); ++shown) {
      add((shown >> pattern & 1) != 0 ? second : first, sums.inside[shown]);
    }
    for (int a = 0; a < kColors; ++a) {
      for (int b = 0; b < kColors; ++b) {
        if (a == b) continue;
        const double cost = (first[a] + second[b] + fixed) / pixels + kShapeCost * (1 - overlap);
        double& known = cost_of_identity_[number_of({pose.shape, a, b, pattern})];
        known = std::min(known, cost);
        least = std::min(least, cost);
      }
    }
  }
  Tried& best = best_of_shape_.at(pose.shape);
  if (least < best.cost) best = {pose, overlap, least};
}

double ObjectFit::compare_drawing(const Identity& identity, const ToyPose& pose,
                                  double limit) const {
  constexpr int kAround = 2;  // units beyond the silhouette
  const PixelDrawing drawing(ShapeMap::Frame(shapes_, pose), identity, picture_.pitch());
  const int pitch = picture_.pitch();
  const auto aligned = [&](int at) { return std::clamp(at / pitch * pitch, 0, kSide); };
  double sum = 0;
  for (int y = aligned(bounds_.top - kAround); y < aligned(bounds_.bottom + kAround); y += pitch) {
    for (int x = aligned(bounds_.left - kAround); x < aligned(bounds_.right + kAround);
         x += pitch) {
      const uint8_t* background = picture_.background(x, y);
      const Rgb drawn = drawing.pixel(x, y, {background[0], background[1], background[2]});
      sum += cost_of(picture_.pixel(x, y), drawn);
    }
    if (sum > limit) break;
  }
  return sum;
}

ObjectFit::Drawn ObjectFit::refine(const Identity& identity, const ToyPose& start) const {
  struct Step {
    double ToyPose::*of;
    double size;  // units or radians
  };
  constexpr std::array<Step, 4> kSteps = {
      {{&ToyPose::x, 0.6}, {&ToyPose::y, 0.6}, {&ToyPose::radius, 0.6}, {&ToyPose::tilt, 0.12}}};
  Drawn best{identity, start, compare_drawing(identity, start, kInfinity)};
  for (const double scale : {2.0, 1.0, 0.5}) {
    for (const Step& step : kSteps) {
      for (const double direction : {-scale, scale}) {
        Drawn moved = best;
        moved.pose.*step.of += direction * step.size;
        moved.cost = compare_drawing(identity, moved.pose, best.cost);
        if (moved.cost < best.cost) best = moved;
      }
    }
  }
  return best;
}

ObjectFit::Found ObjectFit::best() const {
  constexpr int kCandidates = 6;
  std::vector<int> numbers(kNumIdentities);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::ranges::partial_sort(numbers, numbers.begin() + kCandidates, {},
                            [&](int number) { return cost_of_identity_[number]; });
  numbers.resize(kCandidates);
  std::array<std::optional<ToyPose>, kToyShapes.size()> poses;
  std::vector<Drawn> all;
  for (const int number : numbers) {
    if (cost_of_identity_[number] == kInfinity) break;
    const Identity identity = identity_of(number);
    // One pose for all of a shape: the answer is the better identity, not the luckier search.
    std::optional<ToyPose>& pose = poses.at(identity.shape);
    if (pose) {
      all.push_back({identity, *pose, compare_drawing(identity, *pose, kInfinity)});
    } else {
      all.push_back(refine(identity, best_of_shape_.at(identity.shape).pose));
      pose = all.back().pose;
    }
  }
  std::ranges::stable_sort(all, {}, &Drawn::cost);
  const Drawn& best = all.front();
  return {.object = {.identity = best.identity,
                     .x = best.pose.x,
                     .y = best.pose.y,
                     .radius = best.pose.radius,
                     .tilt = best.pose.tilt},
          .overlap = best_of_shape_.at(best.identity.shape).overlap,
          .margin = all.size() > 1 && all[1].cost > 0 ? 1 - best.cost / all[1].cost : 1};
}

}  // namespace mentor
