#include "mentor/report/chart.h"

#include "mentor/core/format.h"
#include "mentor/report/html.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace mentor {
namespace {

constexpr double kSide = 1000;      // of the drawing, which the page stretches to its size
constexpr size_t kFewPoints = 40;   // so few are shown as dots as well
constexpr size_t kMostTexts = 300;  // of marks under the pointer: the newest

int columns(const Chart& chart) { return chart.tall ? 400 : 160; }

/// A number beside an axis, as precise as the distance of its neighbours needs.
std::string tick_text(double value, double step, double largest) {
  if (value == 0) return "0";
  if (largest < 0.01) return format("{:.0e}", value);
  if (largest >= 10'000) return tick_text(value / 1000, step / 1000, 10) + "k";
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return format("{:.{}f}", value, decimals);
}

std::vector<std::string> tick_texts(const Ticks& ticks) {
  double largest = 0;
  for (const double value : ticks.values) largest = std::max(largest, std::abs(value));
  std::vector<std::string> texts;
  for (const double value : ticks.values) texts.push_back(tick_text(value, ticks.step, largest));
  return texts;
}

Range range_of(const Chart& chart) {
  if (chart.range) return *chart.range;
  std::vector<Curve> curves;
  for (const Series& series : chart.series) curves.push_back(series.curve);
  return value_range(curves, chart.from_zero);
}

/// The place of a point in the drawing, as text.
std::string place(const Point& point, Range steps, Range values) {
  return format("{:.1f} {:.1f}", kSide * steps.share(point.x), kSide * (1 - values.share(point.y)));
}

/// "M0 10.5L2.5 11" with a new M after each gap.
std::string line_path(const Curve& curve, Range steps, Range values) {
  std::string path;
  bool pen_down = false;
  for (const Point& point : curve) {
    if (std::isfinite(point.y)) path += (pen_down ? "L" : "M") + place(point, steps, values);
    pen_down = std::isfinite(point.y);
  }
  return path;
}

/// Lines of no length, which round ends turn into dots.
std::string dots_path(const Curve& curve, Range steps, Range values) {
  std::string path;
  for (const Point& point : curve) {
    if (std::isfinite(point.y)) path += "M" + place(point, steps, values) + "h0";
  }
  return path;
}

std::string path_element(const std::string& style, const std::string& path) {
  return path.empty() ? "" : format("<path class=\"{}\" d=\"{}\"/>", style, path);
}

std::string marks_svg(const ChartFrame& frame) {
  const std::map<std::string, std::string> shapes = {{"resumed", " 0V1000"},
                                                     {"checkpoint", " 1000v-22"},
                                                     {"skipped_step", " 0v45"},
                                                     {"warning", " 0v45"}};
  std::map<std::string, std::set<std::string>> places;  // thousands of marks are drawn once each
  for (const Mark& mark : frame.marks) {
    places[mark.style].insert(format("{:.0f}", kSide * frame.steps.share(mark.step)));
  }
  std::string svg;
  for (const auto& [style, xs] : places) {
    const auto shape = shapes.find(style);
    if (shape == shapes.end()) continue;
    std::string path;
    for (const std::string& x : xs) path += "M" + x + shape->second;
    svg += path_element("mark " + style, path);
  }
  return svg;
}

std::string caption_html(const Chart& chart) {
  std::string html = format("<figcaption><b>{}</b>", escape_html(chart.title));
  if (!chart.unit.empty())
    html += format(" <span class=\"unit\">{}</span>", escape_html(chart.unit));
  if (chart.tall) {
    html += "<span class=\"key\">";
    for (const Series& series : chart.series) {
      html += format("<span class=\"{}\">{}</span>", series.style, escape_html(series.name));
    }
    html += "</span>";
  }
  if (!chart.latest.empty()) {
    html += format("<span class=\"latest\">{}</span>", escape_html(chart.latest));
  }
  return html + "</figcaption>";
}

std::string chart_html(const Chart& chart, const ChartFrame& frame) {
  const Range values = range_of(chart);
  const Ticks rows = ticks(values, chart.tall ? 5 : 4),
              steps = ticks(frame.steps, chart.tall ? 6 : 3, 1);
  std::string grid, lettering, lines;
  const std::vector<std::string> row_texts = tick_texts(rows), step_texts = tick_texts(steps);
  for (size_t i = 0; i < rows.values.size(); ++i) {
    const double share = 1 - values.share(rows.values[i]);
    grid += format("M0 {:.1f}H1000", kSide * share);
    lettering +=
        format("<span class=\"y\" style=\"top:{:.2f}%\">{}</span>", 100 * share, row_texts[i]);
  }
  for (size_t i = 0; i < steps.values.size(); ++i) {
    lettering += format("<span class=\"x\" style=\"left:{:.2f}%\">{}</span>",
                        100 * frame.steps.share(steps.values[i]), step_texts[i]);
  }
  for (const Series& series : chart.series) {
    const Curve curve = thin(series.curve, frame.steps, columns(chart));
    lines += path_element("line " + series.style, line_path(curve, frame.steps, values));
    if (curve.size() <= kFewPoints) {
      lines += path_element("dots " + series.style, dots_path(curve, frame.steps, values));
    }
  }
  return format(
      "<figure class=\"chart{}\">{}\n<div class=\"plot\">"
      "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      "{}{}{}</svg>{}</div></figure>\n",
      chart.tall ? " tall" : "", caption_html(chart), path_element("grid", grid), marks_svg(frame),
      lines, lettering);
}

/// [[120,"resumed: from step 100"],...]
std::string texts_json(const ChartFrame& frame) {
  nlohmann::json texts = nlohmann::json::array();
  for (auto mark = frame.marks.rbegin(); mark != frame.marks.rend(); ++mark) {
    if (texts.size() < kMostTexts) texts.push_back({mark->step, mark->text});
  }
  return texts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// {"unit", "steps": [first, last], "marks": [[step, text]], "series": [{"name", "style", "x",
/// "y"}]}
std::string chart_json(const Chart& chart, const ChartFrame& frame) {
  std::string all;
  for (const Series& series : chart.series) {
    std::string xs, ys;
    for (const Point& point : thin(series.curve, frame.steps, columns(chart))) {
      if (!std::isfinite(point.y)) continue;
      xs += (xs.empty() ? "" : ",") + format("{}", static_cast<int64_t>(point.x));
      ys += (ys.empty() ? "" : ",") + format("{:.5g}", point.y);
    }
    all += format("{}{{\"name\":{},\"style\":{},\"x\":[{}],\"y\":[{}]}}", all.empty() ? "" : ",",
                  nlohmann::json(series.name).dump(), nlohmann::json(series.style).dump(), xs, ys);
  }
  return format("{{\"unit\":{},\"steps\":[{},{}],\"marks\":{},\"series\":[{}]}}",
                nlohmann::json(chart.unit).dump(), frame.steps.low, frame.steps.high,
                chart.tall ? texts_json(frame) : "[]", all);
}

}  // namespace

void Charts::add(const Chart& chart, const ChartFrame& frame) {
  html += chart_html(chart, frame);
  json += (json.empty() ? "" : ",\n") + chart_json(chart, frame);
}

void Charts::add_grid(std::string_view title, const std::vector<Chart>& charts,
                      const ChartFrame& frame) {
  if (charts.empty()) return;
  html += format("<h2>{}</h2>\n<div class=\"charts\">\n", escape_html(title));
  for (const Chart& chart : charts) add(chart, frame);
  html += "</div>\n";
}

}  // namespace mentor
