#pragma once

#include "mentor/image/image.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mentor {

/// The picture inside the page as <img> of at most `bytes`: a small one as it is, others as large
/// and as good a JPEG as that allows. Empty where even a bad one needs more. `alt` is text.
[[nodiscard]] std::string picture_html(const Image& picture, size_t bytes, std::string_view alt);

/// The picture as a JPEG in the address of an image: "data:image/jpeg;base64,..."
[[nodiscard]] std::string jpeg_address(const Image& picture, int quality);

/// As PNG with every pixel a sharp square, for pictures of a few dozen pixels.
[[nodiscard]] std::string pixels_html(const Image& picture, std::string_view alt);

}  // namespace mentor
