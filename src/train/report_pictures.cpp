#include "report_pictures.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/report/html.h"
#include "mentor/report/picture.h"

namespace mentor {
namespace {

constexpr size_t kNewest = 6;
constexpr size_t kLargestPage = 1'000'000;  // bytes of all pictures, before base64 adds a third

std::string figure_html(const fs::path& folder, const fs::path& link, const RunPictures& pictures,
                        size_t bytes, bool with_captions) {
  std::string html =
      format("<figure><figcaption>Step {}</figcaption>\n", grouped_digits(pictures.step));
  try {
    const std::string picture = picture_html(read_image(folder / pictures.file), bytes,
                                             format("Sample grid of step {}", pictures.step));
    html += picture.empty() ? "<p class=\"quiet\">Too large to be shown here: " : "";
    html += format("<a href=\"{}\">{}</a>", escape_url((link / pictures.file).string()),
                   picture.empty() ? escape_html(pictures.file) : picture);
    html += picture.empty() ? "</p>" : "";
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
    html += figure_html(folder, {}, *each, kLargestPage / shown.size(), !repeated);
    captions = &each->captions;
  }
  return format("<h2>Samples</h2>\n<div class=\"pictures\">{}</div>\n", html);
}

std::string newest_picture_html(const fs::path& folder, const fs::path& link,
                                const std::vector<RunPictures>& pictures) {
  if (pictures.empty()) return "";
  return format("<div class=\"pictures\">{}</div>\n",
                figure_html(folder, link, pictures.back(), kLargestPage / kNewest, true));
}

}  // namespace mentor
