#pragma once

#include "curve.h"

#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// One line of a chart; `style` is a class of report_page.h: train, faint, valid.
struct Series {
  std::string name;
  std::string style;
  Curve curve;
};

struct Chart {
  std::string title;
  std::string unit;    // behind the numbers, and in the title
  std::string latest;  // shown at the right of the title
  std::vector<Series> series;
  bool from_zero = false;
  bool tall = false;           // over the whole width, with a legend
  std::optional<Range> range;  // instead of what the values need
};

/// Something at a step that all charts show.
struct Mark {
  double step = 0;
  std::string style;  // resumed, checkpoint, skipped_step, warning
};

struct ChartFrame {
  Range steps;
  std::vector<Mark> marks;
};

/// The chart as a <figure>: lines as SVG that stretches to whatever width there is, lettering as
/// HTML that does not.
[[nodiscard]] std::string chart_html(const Chart& chart, const ChartFrame& frame);

/// What the page's script shows under the pointer: {"unit":..., "series":[{"name", "x", "y"}]}.
[[nodiscard]] std::string chart_json(const Chart& chart, const ChartFrame& frame);

}  // namespace mentor
