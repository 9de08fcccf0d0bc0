#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mentor {

/// Width and height in pixels.
struct ImageSize {
  int64_t width = 0;
  int64_t height = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// Half-open rectangle in pixels: left <= x < right, top <= y < bottom.
struct Box {
  int64_t left = 0;
  int64_t top = 0;
  int64_t right = 0;
  int64_t bottom = 0;

  [[nodiscard]] int64_t width() const { return right - left; }
  [[nodiscard]] int64_t height() const { return bottom - top; }
  friend bool operator==(const Box&, const Box&) = default;
};

/// 8-bit picture, rows top to bottom, channels interleaved: 3 = RGB, 1 = grey or mask.
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 3;
  std::vector<uint8_t> pixels;  // height x width x channels

  Image() = default;
  /// A picture of zeros (black, or an empty mask).
  Image(int64_t w, int64_t h, int64_t c = 3)
      : width(w), height(h), channels(c), pixels(static_cast<size_t>(w * h * c)) {}

  [[nodiscard]] ImageSize size() const { return {width, height}; }

  /// The first channel of pixel (x, y).
  [[nodiscard]] uint8_t* at(int64_t x, int64_t y) {
    return pixels.data() + (y * width + x) * channels;
  }
  [[nodiscard]] const uint8_t* at(int64_t x, int64_t y) const {
    return pixels.data() + (y * width + x) * channels;
  }
  friend bool operator==(const Image&, const Image&) = default;
};

}  // namespace mentor
