#include "mentor/report/page.h"

#include "mentor/core/format.h"
#include "mentor/report/html.h"
#include "page_style.h"

namespace mentor {
namespace {

/// For the script: nothing in it may look like the end of the element.
std::string safe_json(const std::string& json) {
  std::string safe;
  for (const char c : json) safe += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return safe;
}

}  // namespace

std::string page_html(const Page& page) {
  return format(
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
             "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\"/>\n"
             "<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n<main class=\"{}\">\n",
             escape_html(page.title), kPageStyle, page.style, page.tone) +
         page.body +
         format(
             "<footer>{}</footer>\n</main>\n"
             "<script type=\"application/json\" id=\"charts\">[{}]</script>\n"
             "<script>{}</script>\n</body>\n</html>\n",
             escape_html(page.footer), safe_json(page.charts), kPageScript);
}

std::string figures_html(const std::vector<KeyFigure>& figures) {
  if (figures.empty()) return "";
  std::string html;
  for (const KeyFigure& figure : figures) {
    html += format("<div><dt>{}</dt><dd>{}</dd><dd>{}</dd></div>\n", escape_html(figure.label),
                   escape_html(figure.value), escape_html(figure.note));
  }
  return "<dl class=\"figures\">\n" + html + "</dl>\n";
}

std::string details_html(std::string_view title, std::string_view note, std::string_view content) {
  return format("<details><summary>{} <span>{}</span></summary>{}</details>\n", escape_html(title),
                escape_html(note), content);
}

}  // namespace mentor
