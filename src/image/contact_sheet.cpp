#include "mentor/image/contact_sheet.h"

#include "mentor/core/format.h"
#include "mentor/image/lettering.h"
#include "mentor/image/resample.h"

#include <algorithm>
#include <stdexcept>

namespace mentor {
namespace {

constexpr int64_t kLineHeight = 16, kAboveCaption = 8;

}  // namespace

Image fit_to_square(const Image& picture, int64_t side) {
  const int64_t longer = std::max(picture.width, picture.height);
  const auto scaled = [&](int64_t length) { return std::max<int64_t>(1, length * side / longer); };
  const Image fitted =
      resize(picture, {scaled(picture.width), scaled(picture.height)}, Filter::kLanczos);
  if (fitted.channels == 3) return fitted;
  Image rgb(fitted.width, fitted.height);
  for (size_t i = 0; i < rgb.pixels.size(); ++i) rgb.pixels[i] = fitted.pixels[i / 3];
  return rgb;
}

Image contact_sheet(std::span<const Image> pictures, std::span<const std::string> captions,
                    const ContactSheetOptions& options) {
  if (pictures.empty() || (!captions.empty() && captions.size() != pictures.size()))
    throw std::invalid_argument(
        format("contact_sheet: {} captions for {} pictures", captions.size(), pictures.size()));
  const auto count = static_cast<int64_t>(pictures.size());
  const int64_t columns = std::min(options.columns, count);
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t pitch_x = options.cell_size + options.margin;
  const auto lines = static_cast<int64_t>(captions.empty() ? 0 : options.caption_lines);
  const int64_t pitch_y = pitch_x + (lines == 0 ? 0 : kAboveCaption + lines * kLineHeight);
  Image sheet(columns * pitch_x + options.margin, rows * pitch_y + options.margin);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), uint8_t{255});

  for (int64_t i = 0; i < count; ++i) {
    const Image picture = fit_to_square(pictures[i], options.cell_size);
    const int64_t left = options.margin + i % columns * pitch_x;
    const int64_t top = options.margin + i / columns * pitch_y;
    paste(sheet, picture, left + (options.cell_size - picture.width) / 2,
          top + (options.cell_size - picture.height) / 2);
    if (captions.empty()) continue;
    int64_t baseline = top + options.cell_size;
    for (const auto& line : wrap_text(captions[i], options.cell_size, options.caption_lines)) {
      draw_text(sheet, line, left, baseline += kLineHeight);
    }
  }
  return sheet;
}

}  // namespace mentor
