#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// What is wrong with the markup of a page, or "": every element must be closed in order (<br/>
/// closes itself), attributes quoted, and no bare < or & in the text. Scripts and styles are passed
/// over up to their end tag, as browsers do.
inline std::string check_markup(std::string_view page) {
  std::vector<std::string> open;
  const auto where = [&](size_t at, const std::string& what) {
    return what + ": ..." + std::string(page.substr(at < 30 ? 0 : at - 30, 80));
  };
  for (size_t i = 0; i < page.size();) {
    if (page[i] == '&') {
      const size_t end = page.find(';', i);
      if (end == page.npos || end - i > 8) return where(i, "bare &");
    }
    if (page[i] != '<') {
      ++i;
      continue;
    }
    size_t end = i + 1;
    for (bool quoted = false; end < page.size() && (quoted || page[end] != '>'); ++end) {
      if (page[end] == '"') quoted = !quoted;
      if (!quoted && page[end] == '<') return where(i, "< inside a tag");
      if (!quoted && page[end] == '=' && page[end + 1] != '"') return where(end, "bare attribute");
    }
    if (end >= page.size()) return where(i, "tag without an end");
    const std::string_view tag = page.substr(i + 1, end - i - 1);
    const std::string name(tag.substr(0, tag.find_first_of(" \n/", 1)));
    if (name.empty()) return where(i, "bare <");
    i = end + 1;
    if (tag[0] == '!' || tag.back() == '/') continue;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name.substr(1)) return where(end, "wrong end tag");
      open.pop_back();
      continue;
    }
    open.push_back(name);
    if (name == "script" || name == "style") {
      i = page.find("</" + name, i);
      if (i == page.npos) return "unclosed " + name;
    }
  }
  return open.empty() ? "" : "unclosed " + open.back();
}

}  // namespace mentor
