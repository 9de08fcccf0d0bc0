#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mentor {

/// Offset of the first byte that is not part of well-formed UTF-8.
[[nodiscard]] std::optional<size_t> find_invalid_utf8(std::string_view text);

}  // namespace mentor
