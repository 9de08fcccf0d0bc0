#include "mentor/core/format.h"
#include "mentor/eval/published.h"
#include "mentor/report/html.h"
#include "report_parts.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mentor {
namespace {

constexpr double kSide = 1000;  // of the drawing, which the page stretches

/// A method in the plane; labels are numbered where there is no room for names.
struct Dot {
  std::string name;
  double cp, pf;
  bool from_paper;  // MENTOR's table rather than the leaderboard
};

std::string place(double cp, double pf) {
  return format("{:.1f} {:.1f}", kSide * cp, kSide * (1 - pf));
}

std::vector<Dot> published_dots() {
  std::vector<Dot> dots;
  constexpr size_t kDrawnTables = 2;
  for (size_t i = 0; i < kDrawnTables; ++i) {
    for (const PublishedRow& row : published_tables()[i].rows) {
      dots.push_back({std::string(row.method), row.cells.at(static_cast<size_t>(Cell::kCp)),
                      row.cells.at(static_cast<size_t>(Cell::kPf)), i == 1});
    }
  }
  return dots;
}

/// CP·PF = 0.1, 0.2, ...
std::string equal_products() {
  std::string path;
  for (int tenth = 1; tenth <= 9; ++tenth) {
    const double product = tenth / 10.0;
    for (int step = 0; step <= 24; ++step) {
      const double cp = std::pow(product, 1 - step / 24.0);  // from (product, 1) to (1, product)
      path += (step == 0 ? "M" : "L") + place(cp, product / cp);
    }
  }
  return path;
}

struct Rectangle {
  double left, top, right, bottom;

  [[nodiscard]] bool meets(const Rectangle& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

/// Puts names beside dots so that they cover neither each other nor a dot, as far as that goes:
/// in a drawing of the width that a desktop shows.
class Labels {
 public:
  explicit Labels(const std::vector<Dot>& dots) {
    for (const Dot& dot : dots) take(dot.cp, dot.cp, dot.pf);
  }

  /// Keeps labels off a horizontal line.
  void take(double low_cp, double high_cp, double pf) {
    constexpr double kRadius = 5;
    taken_.push_back({x(low_cp) - kRadius, y(pf) - kRadius, x(high_cp) + kRadius, y(pf) + kRadius});
  }

  /// The class of the side that the label goes to.
  std::string_view side_of(const Dot& dot) {
    constexpr double kLetter = 6.4, kHeight = 15, kGap = 8;
    const double width = kLetter * static_cast<double>(dot.name.size());
    const double left = x(dot.cp), top = y(dot.pf);
    const std::array<std::pair<std::string_view, Rectangle>, 4> sides = {{
        {"right", {left + kGap, top - kHeight / 2, left + kGap + width, top + kHeight / 2}},
        {"left", {left - kGap - width, top - kHeight / 2, left - kGap, top + kHeight / 2}},
        {"above", {left - width / 2, top - kGap - kHeight, left + width / 2, top - kGap}},
        {"below", {left - width / 2, top + kGap, left + width / 2, top + kGap + kHeight}},
    }};
    for (const auto& [side, area] : sides) {
      const bool inside = area.left >= 0 && area.right <= kWidth;
      const auto meets = [&, &room = area](const Rectangle& other) { return room.meets(other); };
      if (inside && std::ranges::none_of(taken_, meets)) {
        taken_.push_back(area);
        return side;
      }
    }
    return "right";
  }

 private:
  static constexpr double kWidth = 960, kPlotHeight = 520;  // .plane of the style sheet
  static double x(double cp) { return kWidth * cp; }
  static double y(double pf) { return kPlotHeight * (1 - pf); }

  std::vector<Rectangle> taken_;
};

std::string lettering() {
  std::string html;
  for (int fifth = 0; fifth <= 5; ++fifth) {
    const double share = fifth / 5.0;
    html +=
        format("<span class=\"y\" style=\"top:{:.0f}%\">{:.1f}</span>", 100 * (1 - share), share);
    html += format("<span class=\"x\" style=\"left:{:.0f}%\">{:.1f}</span>", 100 * share, share);
  }
  for (int tenth = 1; tenth <= 9; tenth += 2) {
    html += format("<span class=\"equal\" style=\"left:{}0%\">{:.1f}</span>", tenth, tenth / 10.0);
  }
  return html;
}

std::string label_html(const Dot& dot, size_t number, std::string_view side, bool ours) {
  return format(
      "<span class=\"label {}{}\" style=\"left:{:.1f}%;top:{:.1f}%\"><i>{}</i><b>{}</b></span>",
      side, ours ? " our" : "", 100 * dot.cp, 100 * (1 - dot.pf), number, escape_html(dot.name));
}

std::string cross(const ScoreTable& table, const Dot& ours) {
  const auto& cp = table[Cell::kCp].interval;
  const auto& pf = table[Cell::kPf].interval;
  if (!cp || !pf) return "";
  return format("<path class=\"line our\" d=\"M{}L{}M{}L{}\"/>", place(cp->low, ours.pf),
                place(cp->high, ours.pf), place(ours.cp, pf->low), place(ours.cp, pf->high));
}

}  // namespace

std::string scatter_html(const Evaluation& evaluation, const EvaluationFigures& figures) {
  const ScoreTable& table = figures.table;
  std::vector<Dot> dots = published_dots();
  const bool has_ours = table[Cell::kCp].value && table[Cell::kPf].value;
  if (has_ours) {
    const Dot ours{evaluation.method, *table[Cell::kCp].value, *table[Cell::kPf].value, false};
    dots.insert(dots.begin(), ours);
  }
  Labels labels(dots);
  if (const auto& cp = table[Cell::kCp].interval; cp && has_ours) {
    labels.take(cp->low, cp->high, dots.front().pf);
  }
  std::string drawing = format("<path class=\"grid\" d=\"{}\"/>", equal_products());
  if (has_ours) drawing += cross(table, dots.front());
  std::string names, legend;
  for (size_t i = 0; i < dots.size(); ++i) {
    const bool ours = has_ours && i == 0;
    drawing += format("<path class=\"dots {}\" d=\"M{}h0\"/>",
                      ours                 ? "our"
                      : dots[i].from_paper ? "paper"
                                           : "board",
                      place(dots[i].cp, dots[i].pf));
    names += label_html(dots[i], i + 1, labels.side_of(dots[i]), ours);
    legend += format("<li>{}</li>", escape_html(dots[i].name));
  }
  const std::string note =
      figures.not_comparable.empty() ? "" : " Published dots are not comparable with ours.";
  return format(
      "<h2>Likeness against obedience</h2>\n<figure class=\"scatter\">"
      "<div class=\"plane\"><svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" "
      "role=\"img\" aria-label=\"CP against PF\">{}</svg>{}{}</div>\n<ol>{}</ol>"
      "<figcaption>Right: CP, the subject of the reference. Up: PF, the prompt. Thin lines: equal "
      "CP·PF. <span class=\"board\">leaderboard</span> <span class=\"paper\">MENTOR's table</span>"
      "{}</figcaption></figure>\n",
      drawing, lettering(), names, legend, note);
}

}  // namespace mentor
