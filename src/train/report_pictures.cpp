#include "report_pictures.h"

#include "html_text.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"

#include <algorithm>

namespace mentor {
namespace {

constexpr size_t kNewest = 6;
constexpr size_t kLargestPage = 1'000'000;  // bytes of all pictures, before base64 adds a third

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

struct Embedded {
  std::string jpeg;
  ImageSize size;
};

/// The picture as a JPEG of at most `bytes`, as good as that allows.
Embedded embed(const Image& picture, size_t bytes) {
  struct Trial {
    int64_t width;
    int quality;
  };
  Embedded result;
  for (const Trial& trial :
       {Trial{1200, 82}, {1000, 75}, {800, 70}, {640, 60}, {480, 50}, {320, 40}}) {
    const int64_t width = std::min(picture.width, trial.width);
    const ImageSize size{width, std::max<int64_t>(1, picture.height * width / picture.width)};
    const Image scaled = size == picture.size() ? picture : resize(picture, size, Filter::kLanczos);
    result = {encode_jpeg(scaled, trial.quality), size};
    if (result.jpeg.size() <= bytes) return result;
  }
  return {};  // thousands of rows
}

std::string figure_html(const fs::path& folder, const RunPictures& pictures, size_t bytes,
                        bool with_captions) {
  std::string html =
      format("<figure><figcaption>Step {}</figcaption>\n", grouped_digits(pictures.step));
  try {
    const Embedded embedded = embed(read_image(folder / pictures.file), bytes);
    if (embedded.jpeg.empty()) {
      html += format("<p class=\"quiet\">Too large to be shown here: <a href=\"{}\">{}</a></p>",
                     escape_url(pictures.file), escape_html(pictures.file));
    } else {
      html += format(
          "<a href=\"{}\"><img src=\"data:image/jpeg;base64,{}\" width=\"{}\" height=\"{}\" "
          "alt=\"Sample grid of step {}\"/></a>",
          escape_url(pictures.file), base64(embedded.jpeg), embedded.size.width,
          embedded.size.height, pictures.step);
    }
  } catch (const DataError& error) {  // deleted by somebody: no reason to go without a report
    html += format("<p class=\"quiet\">{}</p>", escape_html(error.what()));
  }
  if (with_captions && !pictures.captions.empty()) {
    html += "<ol>";
    for (const std::string& caption : pictures.captions) {
      html += format("<li>{}</li>", escape_html(caption));
    }
    html += "</ol>";
  }
  return html + "</figure>\n";
}

}  // namespace

std::string pictures_html(const fs::path& folder, const std::vector<RunPictures>& pictures) {
  std::vector<const RunPictures*> shown;
  for (auto it = pictures.rbegin(); it != pictures.rend() && shown.size() < kNewest; ++it) {
    shown.push_back(&*it);
  }
  if (pictures.size() > kNewest) shown.push_back(&pictures.front());
  if (shown.empty()) return "";
  std::string html;
  const std::vector<std::string>* captions = nullptr;
  for (const RunPictures* each : shown) {
    // The same prompts come back at every step: they are written once.
    const bool repeated = captions != nullptr && *captions == each->captions;
    html += figure_html(folder, *each, kLargestPage / shown.size(), !repeated);
    captions = &each->captions;
  }
  return format("<h2>Samples</h2>\n<div class=\"pictures\">{}</div>\n", html);
}

}  // namespace mentor
