#pragma once

#include "mentor/image/image.h"

#include <array>
#include <cstdint>

namespace mentor {

/// Pillow's filters of the same names; Lanczos is the three-lobed one, bicubic has a = -0.5.
enum class Filter { kNearest, kBox, kBicubic, kLanczos };

/// `Image.resize` of Pillow bit for bit: two 8-bit passes in fixed point. 1 or 3 channels.
[[nodiscard]] Image resize(const Image& image, ImageSize size, Filter filter);

/// The part `window` of resize(image, size, filter), without computing the rest: a very long
/// picture costs no more than a square one. The window must lie inside the resized picture.
[[nodiscard]] Image resize_window(const Image& image, ImageSize size, Box window, Filter filter);

/// Cuts out `box`; what lies outside the picture is black.
[[nodiscard]] Image crop(const Image& image, Box box);

/// Copies `picture` onto `canvas` with its top left corner at (left, top), cut at the borders.
void paste(Image& canvas, const Image& picture, int64_t left, int64_t top);

/// The same through a one-channel `mask` of the picture's size as its opacity.
void paste_masked(Image& canvas, const Image& picture, const Image& mask, int64_t left,
                  int64_t top);

/// ITU-R 601 luma in fixed point: RGB -> one channel. A one-channel picture is returned as it is.
[[nodiscard]] Image to_grey(const Image& image);

/// Output pixel (x, y) is read at (a x' + b y' + c, d x' + e y' + f), x' = x + 0.5, y' = y + 0.5.
using AffineMatrix = std::array<double, 6>;

/// `Image.transform(size, AFFINE, matrix)` of Pillow with kNearest or kBicubic (whose kernel here
/// has a = -1); what lies outside the picture is black.
[[nodiscard]] Image affine(const Image& image, const AffineMatrix& matrix, ImageSize size,
                           Filter filter);

/// `Image.rotate(degrees, expand=True)` of Pillow: counter-clockwise, the canvas grows to hold
/// the corners. kNearest or kBicubic.
[[nodiscard]] Image rotate_expanded(const Image& image, double degrees, Filter filter);

}  // namespace mentor
