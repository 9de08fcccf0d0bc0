#include "mentor/toy/appearance.h"
#include "mentor/toy/world.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace mentor {
namespace {

// Pictures of all sizes are averages of the same 512 x 512 points, so they show the same.
constexpr int64_t kPoints = 512;
constexpr double kPointsPerUnit = kPoints / kToyUnits;

enum Part : uint8_t { kNothing, kEdge, kFirst, kSecond, kNumParts };

/// How many points of a pixel belong to each part of an object.
struct PixelParts {
  std::array<int64_t, kNumParts> points{};

  [[nodiscard]] int64_t covered() const { return points[kEdge] + points[kFirst] + points[kSecond]; }
};

/// Paints one object into pictures of one size.
class ObjectPainter {
 public:
  ObjectPainter(const ToyObject& object, int64_t size)
      : object_(object), size_(size), points_per_pixel_(kPoints / size) {
    polygon_ = polygon();
    const cv::Rect around = cv::boundingRect(polygon_);
    const auto pixel = [&](int fixed, int64_t beyond) {
      const int64_t point = (fixed >> kFractionBits) + beyond;
      return std::clamp<int64_t>(point / points_per_pixel_, 0, size_);
    };
    // A pixel more on the right, for the box ends before it.
    box_ = {pixel(around.x, -kReach), pixel(around.y, -kReach),
            pixel(around.br().x, kReach + points_per_pixel_),
            pixel(around.br().y, kReach + points_per_pixel_)};
    parts_ = draw_parts();
  }

  /// Mixes the object into the picture; with `in_mask` notes how much of each pixel it covers.
  void paint(ToyPicture& picture, bool in_mask) const {
    const std::array<Rgb, kNumParts> colors = {Rgb{}, kToyOutline,
                                               kToyColors.at(object_.identity.first).rgb,
                                               kToyColors.at(object_.identity.second).rgb};
    const int64_t all = points_per_pixel_ * points_per_pixel_;
    for (int64_t y = box_.top; y < box_.bottom; ++y) {
      for (int64_t x = box_.left; x < box_.right; ++x) {
        const PixelParts parts = count_parts(x, y);
        const int64_t covered = parts.covered();
        if (covered == 0) continue;
        uint8_t* pixel = picture.image.at(x, y);
        const auto mix = [&](uint8_t& value, uint8_t Rgb::*channel) {
          int64_t sum = value * (all - covered) + all / 2;
          for (size_t part = kEdge; part < kNumParts; ++part) {
            sum += parts.points[part] * colors[part].*channel;
          }
          value = static_cast<uint8_t>(sum / all);
        };
        mix(pixel[0], &Rgb::red);
        mix(pixel[1], &Rgb::green);
        mix(pixel[2], &Rgb::blue);
        if (!in_mask) continue;
        uint8_t* share = picture.mask.at(x, y);
        *share = std::max(*share, static_cast<uint8_t>((255 * covered + all / 2) / all));
      }
    }
  }

 private:
  static constexpr int kFractionBits = 6;  // of OpenCV's fixed-point coordinates
  static constexpr int64_t kReach = 8;     // points from the polygon to the end of the outline

  /// The outline in points of the whole picture. OpenCV counts from the middle of the first.
  [[nodiscard]] std::vector<cv::Point> polygon() const {
    const auto fixed = [](double units) {
      return static_cast<int>(std::lround(std::ldexp(units * kPointsPerUnit - 0.5, kFractionBits)));
    };
    std::vector<cv::Point> polygon;
    for (const ToyPoint& point : toy_polygon(object_.identity.shape)) {
      polygon.emplace_back(
          fixed(object_.x + object_.radius * (point.x * cosine_ - point.y * sine_)),
          fixed(object_.y + object_.radius * (point.x * sine_ + point.y * cosine_)));
    }
    return polygon;
  }

  /// The Part of each point of the box.
  [[nodiscard]] cv::Mat draw_parts() const {
    const cv::Point corner(static_cast<int>(box_.left * points_per_pixel_),
                           static_cast<int>(box_.top * points_per_pixel_));
    std::vector<cv::Point> polygon = polygon_;
    for (cv::Point& point : polygon) point -= corner * (1 << kFractionBits);
    cv::Mat parts = cv::Mat::zeros(static_cast<int>(box_.height() * points_per_pixel_),
                                   static_cast<int>(box_.width() * points_per_pixel_), CV_8UC1);
    cv::fillPoly(parts, polygon, cv::Scalar(kFirst), cv::LINE_8, kFractionBits);
    constexpr double kWidth = kToyOutlineWidth * kPointsPerUnit;
    cv::polylines(parts, polygon, /*isClosed=*/true, cv::Scalar(kEdge),
                  static_cast<int>(std::lround(kWidth)), cv::LINE_8, kFractionBits);
    // From points to radii in the object's own frame.
    const double scale = 1 / (object_.radius * kPointsPerUnit);
    for (int row = 0; row < parts.rows; ++row) {
      uint8_t* line = parts.ptr<uint8_t>(row);
      const double y = corner.y + row + 0.5 - object_.y * kPointsPerUnit;
      for (int column = 0; column < parts.cols; ++column) {
        if (line[column] != kFirst) continue;
        const double x = corner.x + column + 0.5 - object_.x * kPointsPerUnit;
        const double u = scale * (cosine_ * x + sine_ * y), v = scale * (cosine_ * y - sine_ * x);
        if (shows_second_color(object_.identity.pattern, u, v)) line[column] = kSecond;
      }
    }
    return parts;
  }

  [[nodiscard]] PixelParts count_parts(int64_t x, int64_t y) const {
    PixelParts parts;
    const auto side = static_cast<int>(points_per_pixel_);
    const int left = static_cast<int>(x - box_.left) * side;
    const int top = static_cast<int>(y - box_.top) * side;
    for (int row = top; row < top + side; ++row) {
      const uint8_t* line = parts_.ptr<uint8_t>(row) + left;
      for (int column = 0; column < side; ++column) ++parts.points[line[column]];
    }
    return parts;
  }

  ToyObject object_;
  int64_t size_, points_per_pixel_;
  double cosine_ = std::cos(object_.tilt), sine_ = std::sin(object_.tilt);
  std::vector<cv::Point> polygon_;
  Box box_;  // pixels that the object may touch
  cv::Mat parts_;
};

}  // namespace

ToyPicture paint_scene(const Scene& scene, int64_t size) {
  ToyPicture picture{.image = toy_background(scene.background, size), .mask = Image(size, size, 1)};
  if (scene.distractor) ObjectPainter(*scene.distractor, size).paint(picture, /*in_mask=*/false);
  for (const ToyObject& object : scene.objects) {
    ObjectPainter(object, size).paint(picture, /*in_mask=*/true);
  }
  return picture;
}

}  // namespace mentor
