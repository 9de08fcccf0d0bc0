#pragma once

#include "mentor/image/image.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mentor {

/// The picture inside the page as <img>: a JPEG of at most `bytes`, as large and as good as that
/// allows. Empty where even a small one needs more. `alt` is text.
[[nodiscard]] std::string jpeg_html(const Image& picture, size_t bytes, std::string_view alt);

/// The picture as a JPEG in the address of an image: "data:image/jpeg;base64,..."
[[nodiscard]] std::string jpeg_address(const Image& picture, int quality);

/// As PNG with every pixel a sharp square, for pictures of a few dozen pixels.
[[nodiscard]] std::string pixels_html(const Image& picture, std::string_view alt);

}  // namespace mentor
