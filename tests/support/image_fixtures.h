#pragma once

#include "mentor/image/image.h"
#include "support/u8_safetensors.h"

#include <cstdlib>
#include <string>

namespace mentor {

/// A stored [height, width, channels] or [height, width] tensor of bytes as a picture.
inline Image stored_image(const RawSafetensors& file, const std::string& name) {
  const std::vector<int64_t> shape = file.shape(name);
  Image image(shape[1], shape[0], shape.size() == 3 ? shape[2] : 1);
  image.pixels = file.values<uint8_t>(name);
  return image;
}

/// The picture's bytes in planar order [channels, height, width].
inline std::vector<uint8_t> planes(const Image& image) {
  const int64_t num_pixels = image.width * image.height;
  std::vector<uint8_t> planar(image.pixels.size());
  for (int64_t i = 0; i < num_pixels; ++i)
    for (int64_t c = 0; c < image.channels; ++c)
      planar[c * num_pixels + i] = image.pixels[i * image.channels + c];
  return planar;
}

/// Reproducible noise from a linear congruential generator, with some structure in it.
inline Image noise_image(int64_t width, int64_t height, int64_t channels, uint32_t seed) {
  Image image(width, height, channels);
  uint32_t state = seed;
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    image.pixels[i] = static_cast<uint8_t>((state >> 24) / 4 + i % 192);
  }
  return image;
}

}  // namespace mentor
