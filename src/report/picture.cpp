#include "mentor/report/picture.h"

#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"
#include "mentor/report/html.h"

#include <algorithm>

namespace mentor {
namespace {

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::string address(std::string_view type, std::string_view bytes) {
  return format("data:image/{};base64,{}", type, base64(bytes));
}

std::string image_html(std::string_view type, std::string_view bytes, ImageSize size,
                       std::string_view style, std::string_view alt) {
  return format("<img src=\"{}\" width=\"{}\" height=\"{}\" class=\"{}\" alt=\"{}\"/>",
                address(type, bytes), size.width, size.height, style, escape_html(alt));
}

}  // namespace

std::string picture_html(const Image& picture, size_t bytes, std::string_view alt) {
  if (std::max(picture.width, picture.height) <= 128) {  // there JPEG's own patterns are seen
    const std::string png = encode_png(picture);
    if (png.size() <= bytes) return image_html("png", png, picture.size(), "smooth", alt);
  }
  struct Trial {
    int64_t width;
    int quality;
  };
  for (const Trial& trial :
       {Trial{1200, 82}, {1000, 75}, {800, 70}, {640, 60}, {480, 50}, {320, 40}}) {
    const int64_t width = std::min(picture.width, trial.width);
    const ImageSize size{width, std::max<int64_t>(1, picture.height * width / picture.width)};
    const Image scaled = size == picture.size() ? picture : resize(picture, size, Filter::kLanczos);
    const std::string jpeg = encode_jpeg(scaled, trial.quality);
    if (jpeg.size() <= bytes) return image_html("jpeg", jpeg, size, "smooth", alt);
  }
  return "";
}

std::string jpeg_address(const Image& picture, int quality) {
  return address("jpeg", encode_jpeg(picture, quality));
}

std::string pixels_html(const Image& picture, std::string_view alt) {
  return image_html("png", encode_png(picture), picture.size(), "pixels", alt);
}

}  // namespace mentor
