#pragma once

#include <string>
#include <string_view>

namespace mentor {

/// SHA-256 (FIPS 180-4) as 64 hex digits, for hashes that others publish or check. What only we
/// compare takes content_hash.h, which is much faster.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace mentor
