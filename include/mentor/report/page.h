#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// A page that needs no other file and no network: light and dark, for a phone and for paper.
struct Page {
  std::string title;  // of the window
  std::string tone;  // running, finished, interrupted or failed: what .state and .message look like
  std::string body;  // HTML
  std::string charts;           // Charts::json of those in the body, in their order
  std::string footer;           // text
  std::string_view style = {};  // CSS of this page alone, beside what all share
};

[[nodiscard]] std::string page_html(const Page& page);

/// A headline figure: what it is, its value, a remark.
struct KeyFigure {
  std::string label, value, note;
};

/// These side by side. Nothing where there are none.
[[nodiscard]] std::string figures_html(const std::vector<KeyFigure>& figures);

/// Something to unfold: `title` and `note` are text, `content` is HTML.
[[nodiscard]] std::string details_html(std::string_view title, std::string_view note,
                                       std::string_view content);

}  // namespace mentor
