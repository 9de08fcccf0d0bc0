#include "codec.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <jerror.h>
#include <jpeglib.h>

namespace mentor {
namespace codec {
namespace {

// A progressive file of a few bytes per scan can ask for hours of work; real ones have about 10.
constexpr int kMaxScans = 200;

/// libjpeg demands that its error callback does not return: it jumps to the reader's setjmp. No
/// function between the two may own anything with a destructor.
struct JpegErrors {
  jpeg_error_mgr callbacks;  // first member: libjpeg hands out a pointer to it
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr codec) {
  auto* errors = reinterpret_cast<JpegErrors*>(codec->err);
  codec->err->format_message(codec, errors->message);
  std::longjmp(errors->jump, 1);
}

/// Pillow ignores these warnings, and so do we: stray bytes between markers, odd version numbers.
/// Every other one means missing or invented pixels, which is an error here.
void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;  // traces
  const int code = codec->err->msg_code;
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_TOO_MUCH_DATA ||
                        code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM ||
                        code == JWRN_NOT_SEQUENTIAL;
  if (!harmless) leave(codec);
}

void limit_scans(j_common_ptr codec) {
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<JpegErrors*>(codec->err);
  std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", kMaxScans);
  std::longjmp(errors->jump, 1);
}

jpeg_error_mgr* install(JpegErrors& errors) {
  jpeg_std_error(&errors.callbacks);
  errors.callbacks.error_exit = leave;
  errors.callbacks.emit_message = on_message;
  return &errors.callbacks;
}

/// Owns the libjpeg decoder. Every method returns false after an error, with why() saying which.
class JpegReader {
 public:
  JpegReader() { jpeg_.err = install(errors_); }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool read_header(std::span<const uint8_t> bytes, bool keep_exif) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    progress_.progress_monitor = limit_scans;
    jpeg_.progress = &progress_;
    jpeg_mem_src(&jpeg_, bytes.data(), bytes.size());
    if (keep_exif) jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&jpeg_, TRUE);
    jpeg_.out_color_space = has_cmyk() ? JCS_CMYK : JCS_RGB;
    return true;
  }

  /// `out`: height rows of width x (3, or 4 for CMYK) bytes.
  bool read_pixels(uint8_t* out) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_start_decompress(&jpeg_);
    const size_t row_bytes = size_t{jpeg_.output_width} * jpeg_.output_components;
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW row = out + jpeg_.output_scanline * row_bytes;
      jpeg_read_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  [[nodiscard]] int64_t width() const { return jpeg_.image_width; }
  [[nodiscard]] int64_t height() const { return jpeg_.image_height; }
  [[nodiscard]] bool has_cmyk() const { return jpeg_.num_components == 4; }

  [[nodiscard]] int orientation() const {
    constexpr std::string_view kExif("Exif\0\0", 6);
    for (const jpeg_marker_struct* m = jpeg_.marker_list; m != nullptr; m = m->next) {
      const std::span<const uint8_t> content(m->data, m->data_length);
      if (content.size() > kExif.size() &&
          std::memcmp(content.data(), kExif.data(), kExif.size()) == 0)
        return exif_orientation(content.subspan(kExif.size()));
    }
    return 1;
  }

  [[nodiscard]] std::string why() const {
    if (errors_.callbacks.msg_code == JWRN_JPEG_EOF) return "the JPEG file is cut short";
    return format("damaged JPEG file: {}", errors_.message);
  }

 private:
  JpegErrors errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

/// Pillow's conversion. Files with four components store the inks inverted, as Adobe does: what
/// libjpeg returns is 255 - ink.
Image cmyk_to_rgb(const Image& inverted) {
  Image rgb(inverted.width, inverted.height);
  const uint8_t* in = inverted.pixels.data();
  for (uint8_t* out = rgb.pixels.data(); out != rgb.pixels.data() + rgb.pixels.size(); out += 3) {
    const int32_t light = in[3];  // 255 - black
    for (int c = 0; c < 3; ++c) {
      const int32_t product = (255 - in[c]) * light + 128;
      const int32_t shade = ((product >> 8) + product) >> 8;  // ink * light / 255, rounded
      out[c] = static_cast<uint8_t>(std::clamp(light - shade, 0, 255));
    }
    in += 4;
  }
  return rgb;
}

/// Owns the libjpeg encoder and the buffer that it allocates.
class JpegWriter {
 public:
  JpegWriter() { jpeg_.err = install(errors_); }
  ~JpegWriter() {
    jpeg_destroy_compress(&jpeg_);
    std::free(buffer_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  bool write(const Image& image, int quality) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_compress(&jpeg_);
    jpeg_mem_dest(&jpeg_, &buffer_, &size_);
    jpeg_.image_width = static_cast<JDIMENSION>(image.width);
    jpeg_.image_height = static_cast<JDIMENSION>(image.height);
    jpeg_.input_components = static_cast<int>(image.channels);
    jpeg_.in_color_space = image.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg_);
    jpeg_set_quality(&jpeg_, quality, TRUE);
    if (image.channels == 3) {  // 4:2:0: colour at half the resolution of brightness
      jpeg_.comp_info[0].h_samp_factor = 2;
      jpeg_.comp_info[0].v_samp_factor = 2;
    }
    jpeg_start_compress(&jpeg_, TRUE);
    while (jpeg_.next_scanline < jpeg_.image_height) {
      auto* row = const_cast<JSAMPROW>(image.at(0, jpeg_.next_scanline));
      jpeg_write_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_compress(&jpeg_);
    return true;
  }

  [[nodiscard]] std::string content() const {
    return {reinterpret_cast<const char*>(buffer_), size_};
  }
  [[nodiscard]] std::string why() const { return errors_.message; }

 private:
  JpegErrors errors_{};
  jpeg_compress_struct jpeg_{};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;  // NOLINT: libjpeg's type
};

}  // namespace

Decoded decode_jpeg(const Source& source) {
  JpegReader reader;
  if (!reader.read_header(source.bytes, source.options.apply_orientation))
    source.fail(reader.why());
  source.check_size(reader.width(), reader.height());
  Decoded decoded{Image(reader.width(), reader.height(), reader.has_cmyk() ? 4 : 3),
                  reader.orientation()};
  if (!reader.read_pixels(decoded.image.pixels.data())) source.fail(reader.why());
  if (reader.has_cmyk()) decoded.image = cmyk_to_rgb(decoded.image);
  return decoded;
}

}  // namespace codec

std::string encode_jpeg(const Image& image, int quality) {
  codec::JpegWriter writer;
  if (!writer.write(image, quality))
    throw UserError(format("cannot encode a {}x{} picture as JPEG: {}", image.width, image.height,
                           writer.why()));
  return writer.content();
}

}  // namespace mentor
