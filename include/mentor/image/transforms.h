#pragma once

#include "mentor/image/image.h"
#include "mentor/image/resample.h"

#include <optional>
#include <span>
#include <vector>

namespace mentor {

/// Resizes to size x size without keeping the aspect (Lanczos): how the reference loads every
/// condition picture and mask.
[[nodiscard]] Image squash(const Image& image, int64_t size);

enum class CenterCrop {
  kMentor,    // a picture smaller than the crop is enlarged to it, then cropped
  kLlamaGen,  // one rule for all sizes
};

/// `center_crop_arr`: scales the short side to `size` (halving by boxes first, then bicubic) and
/// cuts the central square out.
[[nodiscard]] Image center_crop(const Image& image, int64_t size,
                                CenterCrop variant = CenterCrop::kMentor);

/// Where a square is cut out: its share of the shorter side, and how far right and down it lies in
/// the room that this leaves, in [0, 1).
struct SquarePlace {
  double share = 1;
  double right = 0.5, down = 0.5;
};

/// LlamaGen's `random_crop_arr`: that square of the picture, scaled to `size` as by center_crop().
[[nodiscard]] Image crop_square(const Image& image, int64_t size, const SquarePlace& place);

/// The picture with left and right exchanged.
[[nodiscard]] Image mirror(const Image& image);

/// Central square of the picture's own resolution.
[[nodiscard]] Image center_square(const Image& image);

/// Puts the picture in the middle of a black square as wide as its longer side.
[[nodiscard]] Image pad_to_square(const Image& image);

/// CLIP's resize of the shorter edge to `size` (bicubic) and central crop, still 8 bit.
[[nodiscard]] Image clip_crop(const Image& image, int64_t size = 224);

/// CLIP's input [3, size, size]: clip_crop, then (v / 255 - mean) / deviation per channel.
[[nodiscard]] std::vector<float> clip_pixels(const Image& image, int64_t size = 224);

/// Where a central crop begins in a room of an odd number of pixels.
enum class CropRule {
  kFloor,     // Hugging Face: DINOv2
  kHalfEven,  // torchvision: DINO, whose code uses it
};

/// DINO's input [3, 224, 224]: the shorter side resized to 256 (bicubic), central crop,
/// (v / 255 - mean) / deviation of ImageNet per channel.
[[nodiscard]] std::vector<float> dino_pixels(const Image& image, CropRule rule);

/// The codec's input [3, height, width] in [-1, 1]: (v / 255 - 0.5) / 0.5.
[[nodiscard]] std::vector<float> target_pixels(const Image& image);

/// How the reference turns the codec's output back into 8 bits; the rules differ by rounding.
enum class ByteRule {
  kSampling,   // clamp(127.5 x + 128), truncated: the benchmark scripts
  kSaveImage,  // clamp to [-1, 1] first: torchvision's save_image with value_range (-1, 1)
  kDemo,       // (x + 1) / 2 clamped, then 255 x + 0.5, truncated: the demo
};

/// Picture of planar values [3, height, width] in [-1, 1].
[[nodiscard]] Image to_image(std::span<const float> values_CHW, ImageSize size, ByteRule rule);

/// Blacks out every pixel whose mask value is 0. The mask has one channel and the same size.
[[nodiscard]] Image keep_masked(const Image& image, const Image& mask);

/// Smallest box over the mask's non-zero pixels, as the reference computes it: it ends AT the last
/// such row and column and therefore excludes them. Empty optional: nothing is left to see.
[[nodiscard]] std::optional<Box> mask_box(const Image& mask);

enum class ObjectCrop { kBox, kSegment };

/// The object in the middle of a black square as wide as its mask_box; kSegment blacks out what
/// the mask excludes. Empty optional for an empty mask.
[[nodiscard]] std::optional<Image> crop_object(const Image& image, const Image& mask,
                                               ObjectCrop kind);

}  // namespace mentor
