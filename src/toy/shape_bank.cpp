#include "shape_bank.h"

#include "mentor/toy/world.h"

#include <algorithm>
#include <limits>

namespace mentor {
namespace {

constexpr double kMiddle = kToyUnits / 2;

/// The pose moved so that the bounds of what it draws have their middle at (32, 32).
ToyPose centred(ToyPose pose) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  ToyPoint low{kInfinity, kInfinity}, high{-kInfinity, -kInfinity};
  const double cosine = std::cos(pose.tilt), sine = std::sin(pose.tilt);
  for (const ToyPoint& point : toy_polygon(pose.shape)) {
    const double x = pose.radius * (point.x * cosine - point.y * sine);
    const double y = pose.radius * (point.x * sine + point.y * cosine);
    low = {std::min(low.x, x), std::min(low.y, y)};
    high = {std::max(high.x, x), std::max(high.y, y)};
  }
  pose.x = kMiddle - (low.x + high.x) / 2;
  pose.y = kMiddle - (low.y + high.y) / 2;
  return pose;
}

UnitMask draw_silhouette(const ShapeMap& shapes, const ToyPose& pose) {
  // Pixels that an object covers in part count as its own, too.
  constexpr double kRim = 0.5;
  const ShapeMap::Frame frame(shapes, pose);
  UnitMask silhouette;
  for (int y = 0; y < UnitMask::kSide; ++y) {
    for (int x = 0; x < UnitMask::kSide; ++x) {
      const int cell = frame.cell(static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F);
      if (frame.distance(cell) < kToyOutlineWidth / 2 + kRim) silhouette.set(x, y);
    }
  }
  return tidied(silhouette);  // as the silhouettes are that it will be compared with
}

}  // namespace

ShapeBank::ShapeBank(const ShapeMap& shapes) {
  // From less than the smallest distractor to more than the largest subject.
  constexpr double kStep = (kLargeRadius - kSmallRadius) / 13;
  constexpr int kSmaller = 7, kSteps = 24;  // than small ones; in all
  for (int shape = 0; shape < static_cast<int>(kToyShapes.size()); ++shape) {
    for (const double tilt : {-0.24, -0.12, 0.0, 0.12, 0.24}) {
      for (int step = 0; step < kSteps; ++step) {
        const double radius = kSmallRadius + (step - kSmaller) * kStep;
        Entry entry{.pose = centred({.shape = shape, .radius = radius, .tilt = tilt})};
        entry.silhouette = draw_silhouette(shapes, entry.pose);
        entry.area = area(entry.silhouette);
        entry.bounds = bounds(entry.silhouette);
        entries_.push_back(entry);
      }
    }
  }
}

std::vector<SilhouetteMatch> ShapeBank::find(const UnitMask& silhouette) const {
  constexpr double kBehind = 0.15;  // of the best overlap
  constexpr int kShapes = 4, kOfEachShape = 4;
  const UnitBox around = bounds(silhouette);
  const ToyPoint middle{(around.left + around.right) / 2.0, (around.top + around.bottom) / 2.0};
  const int right = static_cast<int>(std::lround(kMiddle - middle.x));
  const int down = static_cast<int>(std::lround(kMiddle - middle.y));
  const UnitMask centred = shifted(silhouette, right, down);
  const int size = area(silhouette);

  std::vector<SilhouetteMatch> near;
  double best = 0;
  for (const Entry& entry : entries_) {
    const double bound =
        static_cast<double>(std::min(size, entry.area)) / std::max(size, entry.area);
    if (bound < best - kBehind) continue;
    int common = 0;
    for (int y = entry.bounds.top; y < entry.bounds.bottom; ++y) {
      common += std::popcount(entry.silhouette.rows[y] & centred.rows[y]);
    }
    const double overlap = static_cast<double>(common) / (size + entry.area - common);
    if (overlap < best - kBehind) continue;
    best = std::max(best, overlap);
    near.push_back({entry.pose, overlap});
  }
  std::ranges::stable_sort(near, std::greater{}, &SilhouetteMatch::overlap);

  std::vector<SilhouetteMatch> found;
  std::array<int, kToyShapes.size()> taken{};
  for (SilhouetteMatch match : near) {
    if (match.overlap < best - kBehind) break;
    int& of_shape = taken.at(match.pose.shape);
    const auto shapes = std::ranges::count_if(taken, [](int count) { return count > 0; });
    if (of_shape == kOfEachShape || (of_shape == 0 && shapes == kShapes)) continue;
    ++of_shape;
    match.pose.x += middle.x - kMiddle;
    match.pose.y += middle.y - kMiddle;
    found.push_back(match);
  }
  return found;
}

}  // namespace mentor
