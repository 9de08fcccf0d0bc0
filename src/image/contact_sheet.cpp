#include "mentor/image/contact_sheet.h"

#include "mentor/core/format.h"
#include "mentor/image/resample.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <stdexcept>

namespace mentor {
namespace {

constexpr int64_t kCaptionHeight = 24;
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kFontScale = 0.5;

/// The picture in RGB, scaled so that its longer side fills the cell.
Image fit(const Image& picture, int64_t cell_size) {
  const int64_t longer = std::max(picture.width, picture.height);
  const auto scaled = [&](int64_t side) { return std::max<int64_t>(1, side * cell_size / longer); };
  const Image fitted =
      resize(picture, {scaled(picture.width), scaled(picture.height)}, Filter::kLanczos);
  if (fitted.channels == 3) return fitted;
  Image rgb(fitted.width, fitted.height);
  for (size_t i = 0; i < rgb.pixels.size(); ++i) rgb.pixels[i] = fitted.pixels[i / 3];
  return rgb;
}

std::string cut_to_width(std::string text, int64_t width) {
  int baseline = 0;
  while (!text.empty() && cv::getTextSize(text, kFont, kFontScale, 1, &baseline).width > width)
    text.pop_back();
  return text;
}

}  // namespace

Image contact_sheet(std::span<const Image> pictures, std::span<const std::string> captions,
                    const ContactSheetOptions& options) {
  if (pictures.empty() || (!captions.empty() && captions.size() != pictures.size()))
    throw std::invalid_argument(
        format("contact_sheet: {} captions for {} pictures", captions.size(), pictures.size()));
  const auto count = static_cast<int64_t>(pictures.size());
  const int64_t columns = std::min(options.columns, count);
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t pitch_x = options.cell_size + options.margin;
  const int64_t pitch_y = pitch_x + (captions.empty() ? 0 : kCaptionHeight);
  Image sheet(columns * pitch_x + options.margin, rows * pitch_y + options.margin);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), uint8_t{255});

  cv::Mat canvas(static_cast<int>(sheet.height), static_cast<int>(sheet.width), CV_8UC3,
                 sheet.pixels.data());
  for (int64_t i = 0; i < count; ++i) {
    const Image picture = fit(pictures[i], options.cell_size);
    const int64_t left = options.margin + i % columns * pitch_x;
    const int64_t top = options.margin + i / columns * pitch_y;
    paste(sheet, picture, left + (options.cell_size - picture.width) / 2,
          top + (options.cell_size - picture.height) / 2);
    if (captions.empty()) continue;
    const cv::Point baseline(static_cast<int>(left),
                             static_cast<int>(top + options.cell_size + kCaptionHeight - 8));
    cv::putText(canvas, cut_to_width(captions[i], options.cell_size), baseline, kFont, kFontScale,
                cv::Scalar(0, 0, 0), 1, cv::LINE_AA);
  }
  return sheet;
}

}  // namespace mentor
