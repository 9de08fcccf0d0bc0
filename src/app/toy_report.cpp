#include "toy_report.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/report/html.h"
#include "mentor/report/page.h"
#include "mentor/report/picture.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "mentor/train/report.h"

#include <algorithm>
#include <string_view>

namespace mentor {
namespace {

constexpr size_t kMostPictures = 24;

std::string_view title(const std::vector<ScoredPicture>& pictures) {
  const auto is_held_out = [](const ScoredPicture& one) {
    return one.of->split == Split::kHeldOut;
  };
  if (std::ranges::all_of(pictures, is_held_out)) return "Subjects that were never shown";
  return std::ranges::none_of(pictures, is_held_out) ? "Subjects that training shows"
                                                     : "Subjects, some of which training shows";
}

std::vector<KeyFigure> headline(const ToyScoreTable& table) {
  std::vector<KeyFigure> figures;
  for (const ToyScoreRow& row : table.rows()) {
    if (figures.size() == 3) break;  // CP, PF and their product
    figures.push_back({row.name, share_text(row.mean),
                       format("{} - {}", share_text(row.low), share_text(row.high))});
  }
  return figures;
}

std::string table_html(const ToyScoreTable& table) {
  std::string html =
      "<table class=\"numbers\"><thead><tr><th></th><th>mean</th><th>95 % interval</th>"
      "<th>by chance</th></tr></thead><tbody>\n";
  for (const ToyScoreRow& row : table.rows()) {
    html += format("<tr><td>{}</td><td>{}</td><td>{} - {}</td><td>{}</td></tr>\n",
                   escape_html(row.name), share_text(row.mean), share_text(row.low),
                   share_text(row.high), share_text(row.chance));
  }
  return html + format("</tbody></table>\n<p class=\"quiet\">{}</p>\n", escape_html(table.notes()));
}

std::string seen_words(const ToyReading& reading) {
  const std::string objects = seen_objects(reading);
  return reading.background ? format("{} {}", objects, background_words(*reading.background))
                            : objects;
}

std::string cell(const std::string& what, const Image& picture, const std::string& text) {
  return format("<figure>{}<figcaption><b>{}</b> {}</figcaption></figure>",
                pixels_html(picture, what), what, escape_html(text));
}

/// What the model was given, what it made of it, what the oracle saw in that, and a right answer.
std::string case_html(const ScoredPicture& one) {
  const auto& reference = one.of->reference;
  return format(
      "<div class=\"case\"><p>{} <span class=\"quiet\">CP {:.2f}, PF {:.2f}</span></p>{}{}{}{}"
      "</div>\n",
      escape_html(one.of->prompt), one.score.cp, one.score.pf,
      reference ? cell("reference", paint_scene(*reference, kShownSize).image, "") : "",
      cell("drawn", read_image(one.file), ""),
      cell("seen", redraw(one.reading, kShownSize), seen_words(one.reading)),
      cell("right", paint_scene(one.of->asked, kShownSize).image,
           identity_words(one.of->asked.subject)));
}

}  // namespace

void write_toy_report(const fs::path& file, const std::vector<ScoredPicture>& pictures,
                      const ToyScoreTable& table, const std::vector<fs::path>& runs) {
  std::string body = format(
      "<h1>{}</h1>\n<div class=\"state\"><span>{} pictures of {} subjects, read back by the "
      "oracle</span></div>\n",
      title(pictures), pictures.size(), table.num_identities());
  body += figures_html(headline(table));
  body +=
      "<p>CP: how much of the reference's subject a picture shows. PF: how much of what its "
      "sentence says. Both are shares, read from the pixels by comparing with drawings.</p>\n"
      "<h2>Pictures</h2>\n<div class=\"cases\">\n";
  for (size_t i = 0; i < std::min(kMostPictures, pictures.size()); ++i) {
    body += case_html(pictures[i]);
  }
  body += "</div>\n<h2>Scores</h2>\n" + table_html(table);
  Charts parts;
  for (const fs::path& run : runs) {
    add_run_summary(parts, run, fs::relative(run, fs::absolute(file).parent_path()));
  }
  write_text(file, page_html({.title = "The toy world",
                              .tone = "finished",
                              .body = body + parts.html,
                              .charts = parts.json,
                              .footer = "Written by mentor toy score."}));
}

}  // namespace mentor
