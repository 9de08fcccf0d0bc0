#pragma once

#include "mentor/image/image.h"

#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// Size and shade of text drawn on a picture, in OpenCV's plain stroke font.
struct Lettering {
  int64_t height = 11;  // of a capital letter, in pixels
  uint8_t grey = 0;     // 0: black
};

/// Pixels from the left of the first letter to the right of the last.
[[nodiscard]] int64_t text_width(std::string_view text, const Lettering& lettering = {});

/// Draws `text` (UTF-8, on one line) with its baseline at row `baseline`, cut at the borders of the
/// RGB `canvas`. The font has ASCII only: accents are dropped, other letters become '?'.
void draw_text(Image& canvas, std::string_view text, int64_t left, int64_t baseline,
               const Lettering& lettering = {});

/// `text` broken between words (long words anywhere) into at most `max_lines` lines of `width`
/// pixels; where that is not enough, the last one ends with "...".
[[nodiscard]] std::vector<std::string> wrap_text(std::string_view text, int64_t width,
                                                 size_t max_lines, const Lettering& lettering = {});

}  // namespace mentor
