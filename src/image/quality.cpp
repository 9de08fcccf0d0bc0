#include "mentor/image/quality.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace mentor {
namespace {

constexpr int64_t kWindow = 11;
constexpr double kPeak = 255;
constexpr double kC1 = (0.01 * kPeak) * (0.01 * kPeak), kC2 = (0.03 * kPeak) * (0.03 * kPeak);
/// Taken off all values, which keeps variances exact in fp32.
constexpr float kMiddle = 128;

void require_same_size(const Image& a, const Image& b) {
  if (a.size() == b.size() && a.channels == b.channels) return;
  throw DataError(
      format("pictures of {} x {} pixels, {} channels and {} x {}, {} channels cannot "
             "be compared",
             a.width, a.height, a.channels, b.width, b.height, b.channels));
}

std::array<float, kWindow> gaussian() {
  std::array<float, kWindow> window{};
  double sum = 0;
  const auto weight = [](int64_t i) {
    const double distance = static_cast<double>(i - kWindow / 2);
    return std::exp(-distance * distance / (2 * 1.5 * 1.5));
  };
  for (int64_t i = 0; i < kWindow; ++i) sum += weight(i);
  for (int64_t i = 0; i < kWindow; ++i) window[i] = static_cast<float>(weight(i) / sum);
  return window;
}

/// The window over x, y, x*x, y*y and x*y, at every place of a row.
struct Moments {
  explicit Moments(int64_t width) : of(5, std::vector<float>(static_cast<size_t>(width))) {}
  std::vector<std::vector<float>> of;
};

/// out[i] = sum over k of window[k] * line(k)[i].
template <class Line>
void filter(std::vector<float>& out, const Line& line) {
  static const std::array<float, kWindow> window = gaussian();
  float* to = out.data();
  const size_t count = out.size();
  for (size_t i = 0; i < count; ++i) to[i] = 0;
  for (int64_t k = 0; k < kWindow; ++k) {
    const float* from = line(k);
    const float weight = window[k];
    for (size_t i = 0; i < count; ++i) to[i] += weight * from[i];
  }
}

/// Row `row` of one channel of both pictures, filtered along the row.
void filter_row(const Image& a, const Image& b, int64_t row, int64_t channel, Moments& products,
                Moments& filtered) {
  const uint8_t* x = a.at(0, row) + channel;
  const uint8_t* y = b.at(0, row) + channel;
  for (int64_t i = 0; i < a.width; ++i) {
    const float first = static_cast<float>(x[i * a.channels]) - kMiddle;
    const float second = static_cast<float>(y[i * a.channels]) - kMiddle;
    products.of[0][i] = first;
    products.of[1][i] = second;
    products.of[2][i] = first * first;
    products.of[3][i] = second * second;
    products.of[4][i] = first * second;
  }
  for (size_t m = 0; m < 5; ++m) {
    filter(filtered.of[m], [&](int64_t k) { return products.of[m].data() + k; });
  }
}

double ssim_of_row(const Moments& means) {
  const auto c1 = static_cast<float>(kC1), c2 = static_cast<float>(kC2);
  double sum = 0;
  const size_t count = means.of[0].size();
  for (size_t i = 0; i < count; ++i) {
    const float x = means.of[0][i], y = means.of[1][i];
    const float variances = means.of[2][i] - x * x + means.of[3][i] - y * y;
    const float covariance = means.of[4][i] - x * y;
    const float mean_x = x + kMiddle, mean_y = y + kMiddle;
    sum += (2 * mean_x * mean_y + c1) * (2 * covariance + c2) /
           ((mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2));
  }
  return sum;
}

}  // namespace

double mean_squared_error(const Image& a, const Image& b) {
  require_same_size(a, b);
  int64_t sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const int difference = int{a.pixels[i]} - int{b.pixels[i]};
    sum += difference * difference;
  }
  return static_cast<double>(sum) / static_cast<double>(a.pixels.size()) / (kPeak * kPeak);
}

double psnr(const Image& a, const Image& b) {
  const double error = mean_squared_error(a, b);
  return error == 0 ? std::numeric_limits<double>::infinity() : -10 * std::log10(error);
}

double ssim(const Image& a, const Image& b) {
  require_same_size(a, b);
  if (a.width < kWindow || a.height < kWindow) {
    throw DataError(format("SSIM needs sides of at least {} pixels, a picture has {} x {}", kWindow,
                           a.width, a.height));
  }
  const int64_t columns = a.width - kWindow + 1, rows = a.height - kWindow + 1;
  Moments products(a.width), means(columns);
  std::vector<Moments> lines(kWindow, Moments(columns));  // the last rows, filtered along the row
  double sum = 0;
  for (int64_t channel = 0; channel < a.channels; ++channel) {
    for (int64_t row = 0; row < a.height; ++row) {
      filter_row(a, b, row, channel, products, lines[row % kWindow]);
      if (row + 1 < kWindow) continue;
      for (size_t m = 0; m < 5; ++m) {
        filter(means.of[m], [&](int64_t k) { return lines[(row + 1 + k) % kWindow].of[m].data(); });
      }
      sum += ssim_of_row(means);
    }
  }
  return sum / static_cast<double>(columns * rows * a.channels);
}

}  // namespace mentor
