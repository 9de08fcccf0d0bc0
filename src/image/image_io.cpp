#include "mentor/image/image_io.h"

#include "codec.h"

#include <array>
#include <cstring>

namespace mentor {
namespace codec {

int exif_orientation(std::span<const uint8_t> tiff) {
  constexpr uint32_t kOrientationTag = 0x0112;
  if (tiff.size() < 8) return 1;
  const bool big_endian = tiff[0] == 'M';
  // Numbers beyond the end are 0, which is neither a tag nor an orientation.
  const auto number = [&](size_t at, size_t num_bytes) {
    if (at > tiff.size() || num_bytes > tiff.size() - at) return uint32_t{0};
    uint32_t value = 0;
    for (size_t i = 0; i < num_bytes; ++i)
      value = value << 8 | tiff[big_endian ? at + i : at + num_bytes - 1 - i];
    return value;
  };
  const size_t directory = number(4, 4);
  const size_t num_entries = number(directory, 2);
  for (size_t i = 0; i < num_entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (number(entry, 2) != kOrientationTag) continue;
    const uint32_t value = number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace codec

namespace {

using codec::Decoded;
using codec::Source;

/// RGBA over white, blended as Pillow's masked paste does.
Image blend_on_white(const Image& image) {
  Image rgb(image.width, image.height);
  const uint8_t* in = image.pixels.data();
  for (uint8_t* out = rgb.pixels.data(); out != rgb.pixels.data() + rgb.pixels.size(); out += 3) {
    for (int c = 0; c < 3; ++c) {
      const uint32_t sum = 255u * (255u - in[3]) + uint32_t{in[c]} * in[3] + 128u;
      out[c] = static_cast<uint8_t>(((sum >> 8) + sum) >> 8);
    }
    in += 4;
  }
  return rgb;
}

/// Undoes an EXIF orientation: 1 upright, 2-4 mirrored or upside down, 5-8 lying on a side.
Image upright(const Image& image, int orientation) {
  if (orientation == 1) return image;
  const bool swap_axes = orientation >= 5;
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image out(swap_axes ? image.height : image.width, swap_axes ? image.width : image.height,
            image.channels);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      const int64_t along = swap_axes ? y : x, across = swap_axes ? x : y;
      const int64_t source_x = flip_x ? image.width - 1 - along : along;
      const int64_t source_y = flip_y ? image.height - 1 - across : across;
      std::memcpy(out.at(x, y), image.at(source_x, source_y), static_cast<size_t>(image.channels));
    }
  }
  return out;
}

Decoded decode_by_signature(const Source& source) {
  const std::string_view bytes(reinterpret_cast<const char*>(source.bytes.data()),
                               source.bytes.size());
  if (bytes.empty()) source.fail("the file is empty");
  if (bytes.starts_with("\xFF\xD8\xFF")) return decode_jpeg(source);
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return decode_png(source);
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP"))
    return decode_webp(source);
  if (bytes.starts_with("BM")) return decode_bmp(source);
  source.fail("not a picture (JPEG, PNG, WebP and BMP are read)");
}

}  // namespace

Image decode_image(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  const Source source{
      {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, name, options};
  Decoded decoded = decode_by_signature(source);
  if (decoded.image.channels == 4) decoded.image = blend_on_white(decoded.image);
  if (options.apply_orientation) return upright(decoded.image, decoded.orientation);
  return std::move(decoded.image);
}

Image read_image(const fs::path& file, const DecodeOptions& options) {
  return decode_image(read_text(file), file.string(), options);
}

std::string lower_suffix(const fs::path& file) {
  std::string suffix = file.extension().string();
  for (char& c : suffix) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return suffix;
}

void write_image(const fs::path& file, const Image& image) {
  const std::string suffix = lower_suffix(file);
  if (suffix == ".png") {
    write_text(file, encode_png(image));
  } else if (suffix == ".jpg" || suffix == ".jpeg") {
    write_text(file, encode_jpeg(image));
  } else {
    throw UserError(format("{}: pictures are written as .png, .jpg or .jpeg", file));
  }
}

}  // namespace mentor
