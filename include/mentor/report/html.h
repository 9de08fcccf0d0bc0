#pragma once

#include <string>
#include <string_view>

namespace mentor {

/// Text for an element or an attribute of a page. Control characters become U+FFFD.
[[nodiscard]] std::string escape_html(std::string_view text);

/// A relative path as the address of a link.
[[nodiscard]] std::string escape_url(std::string_view path);

/// "12,345"
[[nodiscard]] std::string grouped_digits(int64_t number);

}  // namespace mentor
