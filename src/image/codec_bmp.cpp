#include "codec.h"

#include <array>
#include <cstdlib>

namespace mentor::codec {
namespace {

constexpr uint32_t kFileHeader = 14;
constexpr uint32_t kUncompressed = 0;

/// Reads little-endian numbers; what lies beyond the end is an error of the file.
class Fields {
 public:
  explicit Fields(const Source& source) : source_(source) {}

  [[nodiscard]] uint32_t number(uint64_t at, int num_bytes) const {
    if (at + static_cast<uint64_t>(num_bytes) > source_.bytes.size())
      source_.fail("the BMP file is cut short");
    uint32_t value = 0;
    for (int i = num_bytes - 1; i >= 0; --i) value = value << 8 | source_.bytes[at + i];
    return value;
  }

 private:
  const Source& source_;
};

struct BmpHeader {
  uint32_t pixels_at, header_size, bits;
  int64_t width, height;
  bool top_down;
};

BmpHeader read_header(const Source& source) {
  const Fields fields(source);
  BmpHeader header{};
  header.pixels_at = fields.number(10, 4);
  header.header_size = fields.number(kFileHeader, 4);
  if (header.header_size < 40) source.fail("BMP file of an unsupported old kind: save it as PNG");
  header.width = static_cast<int32_t>(fields.number(18, 4));
  const auto height = static_cast<int32_t>(fields.number(22, 4));
  header.top_down = height < 0;
  header.height = std::abs(int64_t{height});
  header.bits = fields.number(28, 2);
  source.check_size(header.width, header.height);
  const bool readable = header.bits == 8 || header.bits == 24 || header.bits == 32;
  if (fields.number(30, 4) != kUncompressed || !readable)
    source.fail("compressed or unusual BMP file is not supported: save it as PNG");
  return header;
}

}  // namespace

Decoded decode_bmp(const Source& source) {
  const BmpHeader header = read_header(source);
  const Fields fields(source);
  const uint64_t row_bytes = (static_cast<uint64_t>(header.width) * header.bits + 31) / 32 * 4;
  const uint64_t pixel_bytes = row_bytes * static_cast<uint64_t>(header.height);
  (void)fields.number(header.pixels_at + pixel_bytes - 1, 1);  // the last byte exists

  const uint64_t palette_at = uint64_t{kFileHeader} + header.header_size;
  Decoded decoded{Image(header.width, header.height), 1};
  for (int64_t y = 0; y < header.height; ++y) {
    const int64_t stored_row = header.top_down ? y : header.height - 1 - y;
    const uint8_t* in = source.bytes.data() + header.pixels_at + stored_row * row_bytes;
    for (int64_t x = 0; x < header.width; ++x, in += header.bits / 8) {
      const uint32_t blue_green_red =
          header.bits == 8 ? fields.number(palette_at + 4 * uint64_t{in[0]}, 3)
                           : uint32_t{in[0]} | uint32_t{in[1]} << 8 | uint32_t{in[2]} << 16;
      for (int c = 0; c < 3; ++c)
        decoded.image.at(x, y)[c] = static_cast<uint8_t>(blue_green_red >> (8 * (2 - c)));
    }
  }
  return decoded;
}

}  // namespace mentor::codec
