#include "mentor/image/resample.h"

#include "mentor/core/format.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <stdexcept>

namespace mentor {
namespace {

// Weights are integers of this many fractional bits: 8 bits of pixel and 2 bits of overshoot
// remain of 32. The accumulator starts at one half.
constexpr int kWeightBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double box_weight(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bicubic_weight(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double lanczos_weight(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

struct Kernel {
  double (*weight)(double);
  double support;
};

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::kBox:
      return {box_weight, 0.5};
    case Filter::kBicubic:
      return {bicubic_weight, 2.0};
    default:
      return {lanczos_weight, 3.0};
  }
}

/// One axis of a resize: output i is the sum of weights[i * stride + k] * input[first[i] + k],
/// k < count[i].
struct AxisWeights {
  std::vector<int64_t> first;
  std::vector<int64_t> count;
  std::vector<int32_t> weights;
  int64_t stride = 0;
};

/// Weights of the outputs [begin, end) of an axis resized from `in` to `out` pixels.
AxisWeights axis_weights(int64_t in, int64_t out, int64_t begin, int64_t end, Filter filter) {
  const Kernel kernel = kernel_of(filter);
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double inverse_scale = 1.0 / filter_scale;
  const double support = kernel.support * filter_scale;
  AxisWeights axis;
  axis.stride = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  axis.weights.resize(static_cast<size_t>((end - begin) * axis.stride));
  std::vector<double> exact(static_cast<size_t>(axis.stride));
  for (int64_t i = begin; i < end; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const int64_t last = std::min(in, static_cast<int64_t>(center + support + 0.5));
    double sum = 0.0;
    for (int64_t k = 0; k < last - first; ++k) {
      exact[k] = kernel.weight((static_cast<double>(k + first) - center + 0.5) * inverse_scale);
      sum += exact[k];
    }
    int32_t* weights = axis.weights.data() + (i - begin) * axis.stride;
    for (int64_t k = 0; k < last - first; ++k) {
      const double normal = sum != 0.0 ? exact[k] / sum : exact[k];
      weights[k] = static_cast<int32_t>(normal * (1 << kWeightBits) + (normal < 0 ? -0.5 : 0.5));
    }
    axis.first.push_back(first);
    axis.count.push_back(last - first);
  }
  return axis;
}

inline uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

/// The weights of `axis` as the RGB kernel reads them: each four times, an even number of taps.
std::vector<int32_t> quadruple(const AxisWeights& axis, int64_t taps) {
  const auto num_outputs = static_cast<int64_t>(axis.first.size());
  std::vector<int32_t> quads(static_cast<size_t>(num_outputs * taps * 4));
  for (int64_t i = 0; i < num_outputs; ++i)
    for (int64_t k = 0; k < axis.count[i]; ++k)
      std::fill_n(quads.begin() + (i * taps + k) * 4, 4, axis.weights[i * axis.stride + k]);
  return quads;
}

// The kernels' clones for AVX2 are chosen at run time. This file is compiled with -O3, which makes
// vector code of their plain loops.

// Explicit in one place only: left to itself, GCC reorders the four-byte pixels lane by lane.
using EightLanes = int32_t __attribute__((vector_size(32)));

/// One row of RGB, given as four integers per pixel of which the last is 0. Two taps at a time
/// fill the lanes; `row` is readable for one pixel more than the last tap.
[[gnu::target_clones("arch=x86-64-v3", "default")]] void filter_row_rgb(
    const int32_t* row, const AxisWeights& axis, const int32_t* quads, int64_t taps, uint8_t* out) {
  const auto num_outputs = static_cast<int64_t>(axis.first.size());
  for (int64_t i = 0; i < num_outputs; ++i) {
    const int32_t* pixels = row + axis.first[i] * 4;
    EightLanes sums = {kHalf, kHalf, kHalf, 0, 0, 0, 0, 0};
    for (int64_t k = 0; k < axis.count[i]; k += 2) {
      EightLanes two_pixels, two_weights;
      std::memcpy(&two_pixels, pixels + k * 4, sizeof(two_pixels));
      std::memcpy(&two_weights, quads + k * 4, sizeof(two_weights));
      sums += two_pixels * two_weights;
    }
    quads += taps * 4;
    for (int c = 0; c < 3; ++c) out[i * 3 + c] = to_byte(sums[c] + sums[c + 4]);
  }
}

[[gnu::target_clones("arch=x86-64-v3", "default")]] void filter_row_grey(const uint8_t* row,
                                                                         const AxisWeights& axis,
                                                                         uint8_t* out) {
  const auto num_outputs = static_cast<int64_t>(axis.first.size());
  for (int64_t i = 0; i < num_outputs; ++i) {
    const uint8_t* pixels = row + axis.first[i];
    const int32_t* weights = axis.weights.data() + i * axis.stride;
    int32_t sum = kHalf;
    for (int64_t k = 0; k < axis.count[i]; ++k) sum += pixels[k] * weights[k];
    out[i] = to_byte(sum);
  }
}

/// One output row of the vertical pass: a weighted sum of `count` rows starting at `in`.
[[gnu::target_clones("arch=x86-64-v3", "default")]] void filter_column(
    const uint8_t* in, int64_t row_bytes, const int32_t* weights, int64_t count, uint8_t* out) {
  constexpr int kLanes = 32;
  int64_t x = 0;
  for (; x + kLanes <= row_bytes; x += kLanes) {
    int32_t sums[kLanes];
    for (int32_t& sum : sums) sum = kHalf;
    for (int64_t k = 0; k < count; ++k)
      for (int lane = 0; lane < kLanes; ++lane)
        sums[lane] += in[k * row_bytes + x + lane] * weights[k];
    for (int lane = 0; lane < kLanes; ++lane) out[x + lane] = to_byte(sums[lane]);
  }
  for (; x < row_bytes; ++x) {
    int32_t sum = kHalf;
    for (int64_t k = 0; k < count; ++k) sum += in[k * row_bytes + x] * weights[k];
    out[x] = to_byte(sum);
  }
}

/// The window's columns of the picture resized to `width`, for the window's rows of the picture.
Image horizontal_pass(const Image& image, int64_t width, Box window, Filter filter) {
  const AxisWeights axis = axis_weights(image.width, width, window.left, window.right, filter);
  Image out(window.width(), window.height(), image.channels);
  if (image.channels == 1) {
    for (int64_t y = 0; y < out.height; ++y)
      filter_row_grey(image.at(0, window.top + y), axis, out.at(0, y));
    return out;
  }
  const int64_t taps = (axis.stride + 1) / 2 * 2;
  const std::vector<int32_t> quads = quadruple(axis, taps);
  std::vector<int32_t> row(static_cast<size_t>(image.width + 1) * 4);
  for (int64_t y = 0; y < out.height; ++y) {
    const uint8_t* in = image.at(0, window.top + y);
    for (int64_t x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c) row[x * 4 + c] = in[x * 3 + c];
    filter_row_rgb(row.data(), axis, quads.data(), taps, out.at(0, y));
  }
  return out;
}

Image vertical_pass(const Image& image, const AxisWeights& axis, int64_t first_row) {
  Image out(image.width, static_cast<int64_t>(axis.first.size()), image.channels);
  for (int64_t y = 0; y < out.height; ++y)
    filter_column(image.at(0, axis.first[y] - first_row), image.width * image.channels,
                  axis.weights.data() + y * axis.stride, axis.count[y], out.at(0, y));
  return out;
}

Image resize_filtered(const Image& image, ImageSize size, Box window, Filter filter) {
  if (size.height == image.height) {
    if (size.width == image.width) return crop(image, window);
    return horizontal_pass(image, size.width, window, filter);
  }
  const AxisWeights axis =
      axis_weights(image.height, size.height, window.top, window.bottom, filter);
  // Only the rows that the vertical pass will read.
  const Box rows{window.left, axis.first.front(), window.right,
                 axis.first.back() + axis.count.back()};
  const Image narrow = size.width == image.width ? crop(image, rows)
                                                 : horizontal_pass(image, size.width, rows, filter);
  return vertical_pass(narrow, axis, rows.top);
}

/// The part of `picture` that falls onto the canvas, in the picture's coordinates.
Box visible_part(const Image& canvas, const Image& picture, int64_t left, int64_t top) {
  return {std::max<int64_t>(0, -left), std::max<int64_t>(0, -top),
          std::min(picture.width, canvas.width - left),
          std::min(picture.height, canvas.height - top)};
}

void require_same_channels(const Image& canvas, const Image& picture) {
  if (canvas.channels != picture.channels)
    throw std::invalid_argument(
        format("paste: {} channels onto {}", picture.channels, canvas.channels));
}

}  // namespace

Image resize(const Image& image, ImageSize size, Filter filter) {
  return resize_window(image, size, {0, 0, size.width, size.height}, filter);
}

Image resize_window(const Image& image, ImageSize size, Box window, Filter filter) {
  const bool inside = window.left >= 0 && window.top >= 0 && window.left < window.right &&
                      window.top < window.bottom && window.right <= size.width &&
                      window.bottom <= size.height;
  if (!inside || image.width < 1 || image.height < 1 ||
      (image.channels != 1 && image.channels != 3))
    throw std::invalid_argument(
        format("resize: {}x{} picture of {} channels to {}x{}, window {},{} to {},{}", image.width,
               image.height, image.channels, size.width, size.height, window.left, window.top,
               window.right, window.bottom));
  if (filter != Filter::kNearest) return resize_filtered(image, size, window, filter);
  // Pillow's nearest resize is its affine transform by the ratio of the sizes.
  const AffineMatrix scale{
      static_cast<double>(image.width) / static_cast<double>(size.width),   0, 0, 0,
      static_cast<double>(image.height) / static_cast<double>(size.height), 0};
  return crop(affine(image, scale, size, filter), window);
}

Image crop(const Image& image, Box box) {
  Image out(box.width(), box.height(), image.channels);
  paste(out, image, -box.left, -box.top);
  return out;
}

void paste(Image& canvas, const Image& picture, int64_t left, int64_t top) {
  require_same_channels(canvas, picture);
  const Box part = visible_part(canvas, picture, left, top);
  if (part.width() <= 0) return;
  for (int64_t y = part.top; y < part.bottom; ++y)
    std::memcpy(canvas.at(left + part.left, top + y), picture.at(part.left, y),
                static_cast<size_t>(part.width() * picture.channels));
}

void paste_masked(Image& canvas, const Image& picture, const Image& mask, int64_t left,
                  int64_t top) {
  require_same_channels(canvas, picture);
  if (mask.channels != 1 || mask.size() != picture.size())
    throw std::invalid_argument(format("paste_masked: mask {}x{}x{} for a {}x{} picture",
                                       mask.width, mask.height, mask.channels, picture.width,
                                       picture.height));
  const Box part = visible_part(canvas, picture, left, top);
  for (int64_t y = part.top; y < part.bottom; ++y) {
    for (int64_t x = part.left; x < part.right; ++x) {
      const uint32_t opacity = *mask.at(x, y);
      const uint8_t* front = picture.at(x, y);
      uint8_t* back = canvas.at(left + x, top + y);
      for (int64_t c = 0; c < picture.channels; ++c) {
        const uint32_t sum = back[c] * (255 - opacity) + front[c] * opacity + 128;
        back[c] = static_cast<uint8_t>(((sum >> 8) + sum) >> 8);  // sum / 255, rounded
      }
    }
  }
}

Image to_grey(const Image& image) {
  if (image.channels == 1) return image;
  Image grey(image.width, image.height, 1);
  const uint8_t* in = image.pixels.data();
  for (uint8_t& value : grey.pixels) {
    value = static_cast<uint8_t>((19595 * in[0] + 38470 * in[1] + 7471 * in[2] + 32768) >> 16);
    in += 3;
  }
  return grey;
}

}  // namespace mentor
