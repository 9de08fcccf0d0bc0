#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/image/image.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mentor {

/// How a picture file becomes RGB. The defaults are the reference's training rule, Pillow's
/// convert("RGB"): orientation ignored, alpha dropped. Pictures a user shows us want both options.
struct DecodeOptions {
  bool apply_orientation = false;  // turn the picture as its EXIF tag says
  bool alpha_on_white = false;     // blend transparent pixels with white instead of dropping alpha
  // The header alone decides: a larger picture is refused before memory is allocated for it.
  int64_t max_pixels = 89'478'485;
  int64_t min_side = 1;  // a picture with a shorter side is refused
};

/// Decodes JPEG (also CMYK), PNG (every kind; 16 bits give their high byte), WebP or BMP to RGB.
/// Whatever is wrong with the bytes is a DataError that starts with `name`.
[[nodiscard]] Image decode_image(std::string_view bytes, const std::string& name,
                                 const DecodeOptions& options = {});

/// The same for a file. Throws DataError naming it when it is missing or damaged.
[[nodiscard]] Image read_image(const fs::path& file, const DecodeOptions& options = {});

/// PNG file content of an RGB or grey picture.
[[nodiscard]] std::string encode_png(const Image& image);

/// JPEG file content, 4:2:0. Quality 75 is what Pillow takes, and with it the reference's demo.
[[nodiscard]] std::string encode_jpeg(const Image& image, int quality = 75);

/// ".jpg" of photo.JPG.
[[nodiscard]] std::string lower_suffix(const fs::path& file);

/// Encodes by the suffix (.png, .jpg, .jpeg, in either case) and writes the file whole or not at
/// all. Throws UserError naming it for another suffix or when it cannot be written.
void write_image(const fs::path& file, const Image& image);

}  // namespace mentor
