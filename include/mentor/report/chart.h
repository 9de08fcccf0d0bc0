#pragma once

#include "mentor/report/curve.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// One line of a chart; `style` is a class of page_style.h: train, faint, valid.
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
  std::string text;   // under the pointer, in a tall chart
};

struct ChartFrame {
  Range steps;
  std::vector<Mark> marks;
};

/// Charts of a page, one after another.
struct Charts {
  std::string html;
  std::string json;  // what the page's script shows under the pointer: Page::charts

  /// As a <figure>: lines as SVG that stretches to whatever width there is, lettering as HTML that
  /// does not.
  void add(const Chart& chart, const ChartFrame& frame);
  /// Side by side under a heading. Nothing where there are none.
  void add_grid(std::string_view title, const std::vector<Chart>& charts, const ChartFrame& frame);
};

}  // namespace mentor
