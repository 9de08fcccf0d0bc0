#include "mentor/image/perturbation.h"

#include "mentor/core/random.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace mentor {
namespace {

/// Uniform draws from one seed.
class Uniform {
 public:
  explicit Uniform(uint64_t seed) : state_(seed) {}

  double operator()(double low, double high) {
    state_ += 0x9e3779b97f4a7c15ULL;  // SplitMix64: a counter through a mixing function
    const double fraction = unit_interval(mix64(state_));
    return low + (high - low) * fraction;
  }

 private:
  uint64_t state_;
};

/// Python's int(side * factor), but never an empty picture.
int64_t scaled(int64_t side, double factor) {
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(side) * factor));
}

MaskedObject resize_object(const MaskedObject& object, double factor) {
  const ImageSize size{scaled(object.image.width, factor), scaled(object.image.height, factor)};
  return {resize(object.image, size, Filter::kLanczos),
          resize(object.mask, size, Filter::kNearest)};
}

MaskedObject stretch_object(const MaskedObject& object, const Stretch& stretch) {
  const AffineMatrix matrix{stretch.scale_x, stretch.shear, 0.0, 0.0, stretch.scale_y, 0.0};
  const ImageSize size{scaled(object.image.width, stretch.scale_x),
                       scaled(object.image.height, stretch.scale_y)};
  return {affine(object.image, matrix, size, Filter::kBicubic),
          affine(object.mask, matrix, size, Filter::kNearest)};
}

MaskedObject rotate_object(const MaskedObject& object, double degrees, ImageSize canvas) {
  const MaskedObject rotated{rotate_expanded(object.image, degrees, Filter::kBicubic),
                             rotate_expanded(object.mask, degrees, Filter::kNearest)};
  const double fit =
      std::min(static_cast<double>(canvas.width) / static_cast<double>(rotated.image.width),
               static_cast<double>(canvas.height) / static_cast<double>(rotated.image.height));
  return fit >= 1.0 ? rotated : resize_object(rotated, 0.9 * fit);
}

Image warp(const Image& image, const cv::Mat& matrix, int interpolation) {
  const int type = image.channels == 3 ? CV_8UC3 : CV_8UC1;
  const int width = static_cast<int>(image.width), height = static_cast<int>(image.height);
  // OpenCV has no read-only view of foreign pixels; warpPerspective only reads its first argument.
  const cv::Mat source(height, width, type, const_cast<uint8_t*>(image.pixels.data()));
  Image out(image.width, image.height, image.channels);
  cv::Mat target(height, width, type, out.pixels.data());
  cv::warpPerspective(source, target, matrix, target.size(), interpolation);
  return out;
}

MaskedObject tilt_object(const MaskedObject& object, const Perspective& corners) {
  const auto w = static_cast<float>(object.image.width);
  const auto h = static_cast<float>(object.image.height);
  const cv::Point2f from[4] = {{0, 0}, {w, 0}, {w, h}, {0, h}};
  cv::Point2f to[4];
  for (int i = 0; i < 4; ++i)
    to[i] = {static_cast<float>(corners[i].x * w), static_cast<float>(corners[i].y * h)};
  const cv::Mat matrix = cv::getPerspectiveTransform(from, to);
  return {warp(object.image, matrix, cv::INTER_CUBIC),
          warp(object.mask, matrix, cv::INTER_NEAREST)};
}

}  // namespace

Perturbation draw_perturbation(uint64_t seed, double min_scale) {
  Uniform uniform(seed);
  Perturbation drawn;
  drawn.scale = uniform(min_scale, 1.0);
  drawn.place_x = uniform(0.0, 1.0);
  drawn.place_y = uniform(0.0, 1.0);
  if (uniform(0.0, 1.0) >= 0.5) return drawn;
  drawn.stretch = Stretch{uniform(0.7, 1.3), uniform(0.7, 1.3), uniform(-0.3, 0.3)};
  drawn.degrees = uniform(-20.0, 20.0);
  drawn.perspective = Perspective{
      Corner{uniform(0.0, 0.2), uniform(0.0, 0.2)}, Corner{uniform(0.8, 1.0), uniform(0.0, 0.2)},
      Corner{uniform(0.8, 1.0), uniform(0.8, 1.0)}, Corner{uniform(0.0, 0.2), uniform(0.8, 1.0)}};
  return drawn;
}

MaskedObject warp_object(const MaskedObject& object, const Perturbation& perturbation,
                         ImageSize canvas) {
  MaskedObject warped = resize_object(object, perturbation.scale);
  if (perturbation.stretch) warped = stretch_object(warped, *perturbation.stretch);
  if (perturbation.degrees) warped = rotate_object(warped, *perturbation.degrees, canvas);
  if (perturbation.perspective) warped = tilt_object(warped, *perturbation.perspective);
  return warped;
}

Image recompose(const Image& background, const MaskedObject& object,
                const Perturbation& perturbation) {
  const MaskedObject warped = warp_object(object, perturbation, background.size());
  // An offset is drawn from the whole numbers 0..room, both ends included.
  const auto offset = [](int64_t room, double place) {
    return static_cast<int64_t>(place * static_cast<double>(std::max<int64_t>(0, room) + 1));
  };
  Image composed = background;
  paste_masked(composed, warped.image, warped.mask,
               offset(background.width - warped.image.width, perturbation.place_x),
               offset(background.height - warped.image.height, perturbation.place_y));
  return composed;
}

}  // namespace mentor
