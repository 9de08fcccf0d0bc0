#include "codec.h"

#include <cstring>
#include <webp/decode.h>

namespace mentor::codec {
namespace {

uint32_t little_endian_32(const uint8_t* bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

constexpr size_t kRiffHeader = 12;  // "RIFF", size, "WEBP"
constexpr size_t kChunkHeader = 8;  // name, size

int orientation_of(std::span<const uint8_t> bytes) {
  for (size_t at = kRiffHeader; at + kChunkHeader <= bytes.size();) {
    const size_t size = little_endian_32(bytes.data() + at + 4);
    const std::span<const uint8_t> content = bytes.subspan(at + kChunkHeader);
    if (size > content.size()) break;
    if (std::memcmp(bytes.data() + at, "EXIF", 4) == 0)
      return exif_orientation(content.first(size));
    at += kChunkHeader + size + size % 2;  // chunks start at even positions
  }
  return 1;
}

}  // namespace

Decoded decode_webp(const Source& source) {
  const std::span<const uint8_t> bytes = source.bytes;
  const bool cut_short = bytes.size() < kRiffHeader ||
                         bytes.size() < size_t{little_endian_32(bytes.data() + 4)} + kChunkHeader;
  if (cut_short) source.fail("the WebP file is cut short");
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK)
    source.fail("damaged WebP file: no valid header");
  if (features.has_animation != 0) source.fail("animated WebP is not supported: save one picture");
  source.check_size(features.width, features.height);

  const bool keep_alpha = features.has_alpha != 0 && source.options.alpha_on_white;
  Decoded decoded{Image(features.width, features.height, keep_alpha ? 4 : 3),
                  orientation_of(bytes)};
  Image& image = decoded.image;
  const auto decode = keep_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(bytes.data(), bytes.size(), image.pixels.data(), image.pixels.size(),
             static_cast<int>(image.width * image.channels)) == nullptr)
    source.fail("damaged WebP file");
  return decoded;
}

}  // namespace mentor::codec
