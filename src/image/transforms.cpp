#include "mentor/image/transforms.h"

#include "mentor/core/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace mentor {
namespace {

/// Python's round(): halves go to the even neighbour (the default rounding mode of the FPU).
int64_t round_half_even(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

int64_t shorter_side(const Image& image) { return std::min(image.width, image.height); }

/// Central size x size window of a picture that will have `full` pixels, at offsets cut at 0.
Box central_window(ImageSize full, int64_t size) {
  const int64_t left = std::max<int64_t>(0, (full.width - size) / 2);
  const int64_t top = std::max<int64_t>(0, (full.height - size) / 2);
  return {left, top, std::min(full.width, left + size), std::min(full.height, top + size)};
}

Image place_in_square(const Image& image, int64_t size) {
  Image square(size, size, image.channels);
  paste(square, image, (size - image.width) / 2, (size - image.height) / 2);
  return square;
}

/// Size in which MENTOR's variant enlarges a picture whose short side is below the crop.
ImageSize enlarged_size(const Image& image, int64_t size) {
  const double aspect = static_cast<double>(image.width) / static_cast<double>(image.height);
  const double short_side = static_cast<double>(size);
  if (aspect > 1.0) return {round_half_even(short_side * aspect), size};
  return {size, round_half_even(short_side / aspect)};
}

/// Values 0..255 mapped once: a picture costs one look-up per value.
template <class Function>
std::array<float, 256> byte_table(Function value_of) {
  std::array<float, 256> table;
  for (int v = 0; v < 256; ++v) table[v] = value_of(v);
  return table;
}

/// Interleaved bytes to planar floats through one table per channel.
std::vector<float> to_planes(const Image& image,
                             const std::array<std::array<float, 256>, 3>& tables) {
  if (image.channels != 3)
    throw std::invalid_argument(format("expected an RGB picture, got {} channels", image.channels));
  const int64_t num_pixels = image.width * image.height;
  std::vector<float> values_CHW(static_cast<size_t>(3 * num_pixels));
  for (int64_t i = 0; i < num_pixels; ++i)
    for (int64_t c = 0; c < 3; ++c)
      values_CHW[c * num_pixels + i] = tables[c][image.pixels[i * 3 + c]];
  return values_CHW;
}

/// (v / 255 - mean) / deviation of each channel.
std::array<std::array<float, 256>, 3> colour_tables(const std::array<float, 3>& mean,
                                                    const std::array<float, 3>& deviation) {
  std::array<std::array<float, 256>, 3> tables;
  for (size_t c = 0; c < 3; ++c) {
    tables[c] =
        byte_table([&](int v) { return (static_cast<float>(v / 255.0) - mean[c]) / deviation[c]; });
  }
  return tables;
}

/// The size in which the shorter side has `size` pixels; the longer one is rounded down.
ImageSize with_shorter_side(const Image& image, int64_t size) {
  const double shorter = static_cast<double>(shorter_side(image));
  const auto scaled = [&](int64_t side) {
    return static_cast<int64_t>(static_cast<double>(size * side) / shorter);
  };
  return image.width <= image.height ? ImageSize{size, scaled(image.height)}
                                     : ImageSize{scaled(image.width), size};
}

uint8_t to_byte(float x, ByteRule rule) {
  switch (rule) {
    case ByteRule::kSampling:
      x = 127.5f * x + 128.0f;
      break;
    case ByteRule::kSaveImage:
      x = (std::clamp(x, -1.0f, 1.0f) + 1.0f) / 2.0f * 255.0f + 0.5f;
      break;
    case ByteRule::kDemo:
      x = std::clamp((x + 1.0f) / 2.0f, 0.0f, 1.0f) * 255.0f + 0.5f;
      break;
  }
  return x > 0.0f ? static_cast<uint8_t>(std::min(x, 255.0f)) : uint8_t{0};  // not a number: 0
}

void require_mask(const Image& image, const Image& mask) {
  if (mask.channels != 1 || mask.size() != image.size())
    throw std::invalid_argument(format("mask {}x{}x{} for a {}x{} picture", mask.width, mask.height,
                                       mask.channels, image.width, image.height));
}

}  // namespace

Image squash(const Image& image, int64_t size) {
  return resize(image, {size, size}, Filter::kLanczos);
}

Image center_crop(const Image& image, int64_t size, CenterCrop variant) {
  if (variant == CenterCrop::kMentor && shorter_side(image) < size) {
    const ImageSize full = enlarged_size(image, size);
    const Image part = resize_window(image, full, central_window(full, size), Filter::kBicubic);
    return place_in_square(part, size);
  }
  if (shorter_side(image) >= 2 * size) {
    const Image half = resize(image, {image.width / 2, image.height / 2}, Filter::kBox);
    return center_crop(half, size, variant);
  }
  const double scale = static_cast<double>(size) / static_cast<double>(shorter_side(image));
  const ImageSize full{round_half_even(static_cast<double>(image.width) * scale),
                       round_half_even(static_cast<double>(image.height) * scale)};
  return resize_window(image, full, central_window(full, size), Filter::kBicubic);
}

Image crop_square(const Image& image, int64_t size, const SquarePlace& place) {
  const double scaled_side = static_cast<double>(size) / place.share;
  const auto side = static_cast<double>(shorter_side(image));
  if (side >= 2 * scaled_side) {
    return crop_square(resize(image, {image.width / 2, image.height / 2}, Filter::kBox), size,
                       place);
  }
  const auto scaled = [&](int64_t pixels) {
    return std::max(size, round_half_even(static_cast<double>(pixels) * scaled_side / side));
  };
  const ImageSize full{scaled(image.width), scaled(image.height)};
  const auto begin = [&](int64_t room, double where) {
    return std::min(room, static_cast<int64_t>(where * static_cast<double>(room + 1)));
  };
  const int64_t left = begin(full.width - size, place.right);
  const int64_t top = begin(full.height - size, place.down);
  return resize_window(image, full, {left, top, left + size, top + size}, Filter::kBicubic);
}

Image mirror(const Image& image) {
  Image mirrored(image.width, image.height, image.channels);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      std::copy_n(image.at(x, y), image.channels, mirrored.at(image.width - 1 - x, y));
    }
  }
  return mirrored;
}

Image center_square(const Image& image) {
  return crop(image, central_window(image.size(), shorter_side(image)));
}

Image pad_to_square(const Image& image) {
  return place_in_square(image, std::max(image.width, image.height));
}

Image clip_crop(const Image& image, int64_t size) {
  const ImageSize full = with_shorter_side(image, size);
  return resize_window(image, full, central_window(full, size), Filter::kBicubic);
}

std::vector<float> clip_pixels(const Image& image, int64_t size) {
  static const auto tables = colour_tables({0.48145466f, 0.4578275f, 0.40821073f},
                                           {0.26862954f, 0.26130258f, 0.27577711f});
  return to_planes(clip_crop(image, size), tables);
}

std::vector<float> dino_pixels(const Image& image, CropRule rule) {
  constexpr int64_t kShorterSide = 256, kCrop = 224;
  static const auto tables = colour_tables({0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f});
  const ImageSize full = with_shorter_side(image, kShorterSide);
  const auto begin = [rule](int64_t room) {
    return rule == CropRule::kFloor ? room / 2 : round_half_even(static_cast<double>(room) / 2);
  };
  const int64_t left = begin(full.width - kCrop), top = begin(full.height - kCrop);
  return to_planes(
      resize_window(image, full, {left, top, left + kCrop, top + kCrop}, Filter::kBicubic), tables);
}

std::vector<float> target_pixels(const Image& image) {
  static const std::array<float, 256> table =
      byte_table([](int v) { return (static_cast<float>(v) / 255.0f - 0.5f) / 0.5f; });
  return to_planes(image, {table, table, table});
}

Image to_image(std::span<const float> values_CHW, ImageSize size, ByteRule rule) {
  const int64_t num_pixels = size.width * size.height;
  if (static_cast<int64_t>(values_CHW.size()) != 3 * num_pixels)
    throw std::invalid_argument(format("to_image: {} values for a {}x{} RGB picture",
                                       values_CHW.size(), size.width, size.height));
  Image image(size.width, size.height);
  for (int64_t i = 0; i < num_pixels; ++i)
    for (int64_t c = 0; c < 3; ++c)
      image.pixels[i * 3 + c] = to_byte(values_CHW[c * num_pixels + i], rule);
  return image;
}

Image keep_masked(const Image& image, const Image& mask) {
  require_mask(image, mask);
  Image kept = image;
  for (size_t i = 0; i < mask.pixels.size(); ++i)
    if (mask.pixels[i] == 0)
      std::fill_n(kept.pixels.begin() + static_cast<int64_t>(i) * image.channels, image.channels,
                  uint8_t{0});
  return kept;
}

std::optional<Box> mask_box(const Image& mask) {
  Box box{mask.width, mask.height, 0, 0};
  for (int64_t y = 0; y < mask.height; ++y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      if (*mask.at(x, y) == 0) continue;
      box = {std::min(box.left, x), std::min(box.top, y), std::max(box.right, x),
             std::max(box.bottom, y)};
    }
  }
  if (box.width() <= 0 || box.height() <= 0) return std::nullopt;
  return box;
}

std::optional<Image> crop_object(const Image& image, const Image& mask, ObjectCrop kind) {
  require_mask(image, mask);
  const std::optional<Box> box = mask_box(mask);
  if (!box) return std::nullopt;
  const Image object = crop(kind == ObjectCrop::kSegment ? keep_masked(image, mask) : image, *box);
  return pad_to_square(object);
}

}  // namespace mentor
