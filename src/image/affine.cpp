#include "mentor/core/format.h"
#include "mentor/image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numbers>
#include <stdexcept>

namespace mentor {
namespace {

struct Point {
  double x, y;
};

Point apply(const AffineMatrix& m, double x, double y) {
  return {m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
}

void copy_pixel(const Image& image, int64_t x, int64_t y, uint8_t* out) {
  if (x < 0 || x >= image.width || y < 0 || y >= image.height) return;
  const uint8_t* pixel = image.at(x, y);
  for (int64_t c = 0; c < image.channels; ++c) out[c] = pixel[c];
}

/// Source coordinates of an axis without rotation; Pillow adds the step up in double, so we do.
std::vector<int64_t> nearest_positions(double offset, double step, int64_t count) {
  std::vector<int64_t> positions(static_cast<size_t>(count));
  double position = offset + step * 0.5;
  for (int64_t& p : positions) {
    p = position < 0.0 ? -1 : static_cast<int64_t>(position);
    position += step;
  }
  return positions;
}

void nearest_axis_parallel(const Image& image, const AffineMatrix& m, Image& out) {
  const std::vector<int64_t> columns = nearest_positions(m[2], m[0], out.width);
  const std::vector<int64_t> rows = nearest_positions(m[5], m[4], out.height);
  for (int64_t y = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x) copy_pixel(image, columns[x], rows[y], out.at(x, y));
}

/// Pillow steps through the source in 16.16 fixed point as long as every coordinate fits.
bool fits_fixed_point(const AffineMatrix& m, const Image& out) {
  const auto fits = [&m](int64_t x, int64_t y) {
    const Point p = apply(m, static_cast<double>(x), static_cast<double>(y));
    return std::abs(p.x) < 32768.0 && std::abs(p.y) < 32768.0;
  };
  return fits(0, 0) && fits(out.width, out.height) && fits(0, out.height) && fits(out.width, 0);
}

void nearest_fixed_point(const Image& image, const AffineMatrix& m, Image& out) {
  const auto fixed = [](double v) { return static_cast<int64_t>(std::floor(v * 65536.0 + 0.5)); };
  const int64_t step_x = fixed(m[0]), step_y = fixed(m[3]);
  int64_t row_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
  int64_t row_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  for (int64_t y = 0; y < out.height; ++y) {
    int64_t source_x = row_x, source_y = row_y;
    for (int64_t x = 0; x < out.width; ++x) {
      copy_pixel(image, source_x >> 16, source_y >> 16, out.at(x, y));
      source_x += step_x;
      source_y += step_y;
    }
    row_x += fixed(m[1]);
    row_y += fixed(m[4]);
  }
}

double cubic(double v1, double v2, double v3, double v4, double t) {
  return v2 + t * (-v1 + v3 + t * (2 * (v1 - v2) + v3 - v4 + t * (-v1 + v2 - v3 + v4)));
}

constexpr int64_t kMaxChannels = 3;

/// Interpolates the 4 x 4 pixels from (x, y) on at `t` between the middle ones. Columns are clamped
/// to the picture; a row outside repeats the row before it.
void bicubic_pixel(const Image& image, int64_t x, int64_t y, Point t, uint8_t* out) {
  int64_t columns[4];
  for (int64_t k = 0; k < 4; ++k)
    columns[k] = std::clamp<int64_t>(x + k, 0, image.width - 1) * image.channels;
  double rows[4][kMaxChannels];
  for (int64_t k = 0; k < 4; ++k) {
    if (k > 0 && (y + k < 0 || y + k >= image.height)) {
      std::copy_n(rows[k - 1], kMaxChannels, rows[k]);
      continue;
    }
    const uint8_t* row = image.at(0, std::clamp<int64_t>(y + k, 0, image.height - 1));
    for (int64_t c = 0; c < image.channels; ++c)
      rows[k][c] = cubic(row[columns[0] + c], row[columns[1] + c], row[columns[2] + c],
                         row[columns[3] + c], t.x);
  }
  for (int64_t c = 0; c < image.channels; ++c)
    out[c] = static_cast<uint8_t>(
        std::clamp(cubic(rows[0][c], rows[1][c], rows[2][c], rows[3][c], t.y), 0.0, 255.0));
}

void bicubic_affine(const Image& image, const AffineMatrix& m, Image& out) {
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      const Point p = apply(m, static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
      if (!(p.x >= 0.0 && p.x < width && p.y >= 0.0 && p.y < height)) continue;
      const double left = std::floor(p.x - 0.5), top = std::floor(p.y - 0.5);
      bicubic_pixel(image, static_cast<int64_t>(left) - 1, static_cast<int64_t>(top) - 1,
                    {p.x - 0.5 - left, p.y - 0.5 - top}, out.at(x, y));
    }
  }
}

/// Python's round(value, 15), which Pillow applies so that right angles give exact zeros.
double round_15_decimals(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.15f", value);
  return std::strtod(text, nullptr);
}

}  // namespace

Image affine(const Image& image, const AffineMatrix& matrix, ImageSize size, Filter filter) {
  if (filter != Filter::kNearest && filter != Filter::kBicubic)
    throw std::invalid_argument("affine: the filter must be nearest or bicubic");
  if (size.width < 1 || size.height < 1 || image.channels > kMaxChannels)
    throw std::invalid_argument(
        format("affine: {} channels to {}x{}", image.channels, size.width, size.height));
  Image out(size.width, size.height, image.channels);
  if (filter == Filter::kBicubic) {
    bicubic_affine(image, matrix, out);
  } else if (matrix[1] == 0.0 && matrix[3] == 0.0) {
    nearest_axis_parallel(image, matrix, out);
  } else if (fits_fixed_point(matrix, out)) {
    nearest_fixed_point(image, matrix, out);
  } else {
    throw std::invalid_argument(format("affine: {}x{} picture to {}x{} leaves the 16-bit range",
                                       image.width, image.height, size.width, size.height));
  }
  return out;
}

Image rotate_expanded(const Image& image, double degrees, Filter filter) {
  const double turn = std::fmod(degrees, 360.0);
  const double radians = -(turn < 0.0 ? turn + 360.0 : turn) * (std::numbers::pi / 180.0);
  const double cosine = round_15_decimals(std::cos(radians));
  const double sine = round_15_decimals(std::sin(radians));
  const double w = static_cast<double>(image.width), h = static_cast<double>(image.height);

  AffineMatrix m{cosine, sine, 0.0, -sine, cosine, 0.0};
  const Point center = apply(m, -w / 2.0, -h / 2.0);
  m[2] = center.x + w / 2.0;
  m[5] = center.y + h / 2.0;

  const std::array<Point, 4> corners{apply(m, 0, 0), apply(m, w, 0), apply(m, w, h),
                                     apply(m, 0, h)};
  const auto extent = [&corners](double Point::*axis) {
    const auto [low, high] =
        std::minmax({corners[0].*axis, corners[1].*axis, corners[2].*axis, corners[3].*axis});
    return std::ceil(high) - std::floor(low);
  };
  const double new_w = extent(&Point::x), new_h = extent(&Point::y);
  const Point shifted = apply(m, -(new_w - w) / 2.0, -(new_h - h) / 2.0);
  m[2] = shifted.x;
  m[5] = shifted.y;
  return affine(image, m, {static_cast<int64_t>(new_w), static_cast<int64_t>(new_h)}, filter);
}

}  // namespace mentor
