#pragma once

#include <string>

namespace mentor {

/// Name of this machine, "unknown" where it has none.
[[nodiscard]] std::string host_name();

}  // namespace mentor
