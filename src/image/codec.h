#pragma once

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"

#include <cstdint>
#include <span>
#include <string>

namespace mentor::codec {

/// A picture file in memory, and what its reader needs to complain about it.
struct Source {
  std::span<const uint8_t> bytes;
  const std::string& name;
  const DecodeOptions& options;

  [[noreturn]] void fail(std::string_view why) const {
    throw DataError(format("{}: {}", name, why));
  }
  void check_size(int64_t width, int64_t height) const {
    if (width < 1 || height < 1) fail(format("damaged picture: its size is {}x{}", width, height));
    if (width > options.max_pixels / height)
      fail(format("picture of {}x{} pixels is larger than the limit of {} pixels (make it smaller)",
                  width, height, options.max_pixels));
    if (width < options.min_side || height < options.min_side)
      fail(format("picture of {}x{} pixels is too small (its sides need {} pixels at least)", width,
                  height, options.min_side));
  }
};

/// 3 channels, or 4 where the file has alpha and options.alpha_on_white asks for it.
/// `orientation` is the EXIF tag's value 1..8, 1 also where there is none.
struct Decoded {
  Image image;
  int orientation = 1;
};

Decoded decode_jpeg(const Source& source);
Decoded decode_png(const Source& source);
Decoded decode_webp(const Source& source);
Decoded decode_bmp(const Source& source);

/// Orientation tag of an EXIF block, which is a small TIFF file; 1 where there is none.
int exif_orientation(std::span<const uint8_t> tiff);

}  // namespace mentor::codec
