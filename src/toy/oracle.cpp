#include "mentor/toy/oracle.h"

#include "mentor/image/resample.h"
#include "object_fit.h"
#include "shape_bank.h"

#include <algorithm>
#include <cstdlib>

namespace mentor {
namespace {

constexpr int kSide = UnitMask::kSide;
constexpr int kPixels = kSide * kSide;

/// For each pixel the largest difference of a channel.
using Differences = std::array<uint8_t, kPixels>;

Image in_units(const Image& picture) { return resize(picture, {kSide, kSide}, Filter::kBox); }

Differences compare(const Image& a, const Image& b) {
  Differences differences;
  for (int i = 0; i < kPixels; ++i) {
    int largest = 0;
    for (int channel = 3 * i; channel < 3 * i + 3; ++channel) {
      largest = std::max(largest, std::abs(a.pixels[channel] - b.pixels[channel]));
    }
    differences[i] = static_cast<uint8_t>(largest);
  }
  return differences;
}

/// A background, and how a picture differs from it.
struct BackgroundMatch {
  int background = 0;
  double share = -1;
  Differences differences;
};

BackgroundMatch find_background(const Image& picture, const std::vector<Image>& backgrounds) {
  constexpr uint8_t kAlike = 36;
  BackgroundMatch best;
  for (size_t i = 0; i < backgrounds.size(); ++i) {
    const Differences differences = compare(picture, backgrounds[i]);
    const auto alike =
        std::ranges::count_if(differences, [](uint8_t difference) { return difference < kAlike; });
    const double share = static_cast<double>(alike) / kPixels;
    if (share > best.share) best = {static_cast<int>(i), share, differences};
  }
  return best;
}

UnitMask foreground(const Differences& differences) {
  constexpr uint8_t kOther = 44;
  UnitMask mask;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      if (differences[y * kSide + x] > kOther) mask.set(x, y);
    }
  }
  return tidied(mask);
}

/// The left and the right half of two objects side by side whose silhouettes run into each other,
/// cut where they are lowest. None for what is no wider than objects are.
std::vector<UnitMask> cut_between(const UnitMask& silhouette) {
  constexpr double kLongest = 1.8;  // a fish is 1.65 times as wide as it is high
  const UnitBox box = bounds(silhouette);
  const int width = box.right - box.left;
  if (width < kLongest * (box.bottom - box.top)) return {};
  int cut = 0, least = kSide + 1;
  for (int x = box.left + width / 3; x < box.right - width / 3; ++x) {
    const auto height =
        std::ranges::count_if(silhouette.rows, [x](uint64_t row) { return (row >> x & 1) != 0; });
    if (height >= least) continue;
    least = static_cast<int>(height);
    cut = x;
  }
  std::vector<UnitMask> halves(2, silhouette);
  const uint64_t left = (uint64_t{1} << cut) - 1;
  for (uint64_t& row : halves[0].rows) row &= left;
  for (uint64_t& row : halves[1].rows) row &= ~(left << 1 | 1);
  return halves;
}

}  // namespace

struct Oracle::Drawings {
  ShapeMap shapes;
  ShapeBank bank{shapes};
  // Of pictures with fewer pixels than units the backgrounds are as coarse as they are.
  std::vector<Image> fine, coarse;

  Drawings() {
    for (int i = 0; i < static_cast<int>(kToyBackgrounds.size()); ++i) {
      fine.push_back(in_units(toy_background(i, 64)));
      coarse.push_back(in_units(toy_background(i, 32)));
    }
  }
};

Oracle::Oracle() : drawings_(std::make_unique<const Drawings>()) {}
Oracle::~Oracle() = default;

ToyReading Oracle::read(const Image& picture) const {
  constexpr double kLeastShare = 0.25;                          // of the background
  constexpr double kLeastOverlap = 0.5;                         // of an object's silhouette
  constexpr int kSmallest = 70, kLargest = kPixels * 45 / 100;  // square units of an object
  const Image units = in_units(picture);
  const bool is_coarse = std::min(picture.width, picture.height) < kSide;
  const std::vector<Image>& backgrounds = is_coarse ? drawings_->coarse : drawings_->fine;
  const BackgroundMatch match = find_background(units, backgrounds);
  ToyReading reading{.background_share = match.share};
  if (match.share > kLeastShare) reading.background = match.background;

  const FittedPicture fitted(units, backgrounds[match.background], is_coarse ? 2 : 1);
  UnitMask rest = foreground(match.differences);
  const auto add_object = [&](const UnitMask& silhouette) {
    if (area(silhouette) < kSmallest) return;
    const std::vector<SilhouetteMatch> matches = drawings_->bank.find(silhouette);
    if (matches.front().overlap < kLeastOverlap) return;
    ObjectFit fit(drawings_->shapes, fitted, silhouette);
    for (const SilhouetteMatch& like : matches) fit.try_pose(like.pose, like.overlap);
    const ObjectFit::Found found = fit.best();
    reading.objects.push_back({found.object, found.overlap, found.margin, area(silhouette)});
  };
  while (area(rest) >= kSmallest) {
    const UnitMask part = first_part(rest, /*over_corners=*/true);
    rest = rest & ~part;
    if (area(part) > kLargest)
      return {.background_share = match.share};  // no picture of this world
    const UnitMask silhouette = without_holes(part);
    const std::vector<UnitMask> halves = cut_between(silhouette);
    if (halves.empty()) add_object(silhouette);
    for (const UnitMask& half : halves) add_object(half);
  }
  std::ranges::stable_sort(reading.objects, std::greater{}, &SeenObject::area);
  return reading;
}

Image redraw(const ToyReading& reading, int64_t size) {
  Scene scene{.background = reading.background.value_or(0)};
  for (const SeenObject& seen : reading.objects) scene.objects.push_back(seen.object);
  ToyPicture picture = paint_scene(scene, size);
  if (reading.background) return picture.image;
  for (size_t i = 0; i < picture.image.pixels.size(); ++i) {
    if (picture.mask.pixels[i / 3] == 0) picture.image.pixels[i] = 0;
  }
  return picture.image;
}

}  // namespace mentor
