#pragma once

#include <cstdint>
#include <string>

namespace mentor {

/// What to say where `bad` records among `samples` are more than `limit` (data.bad_record_limit)
/// allows; "" where they are not. One of them is for the caller to name.
[[nodiscard]] std::string too_many_bad_records(int64_t bad, int64_t samples, double limit);

}  // namespace mentor
