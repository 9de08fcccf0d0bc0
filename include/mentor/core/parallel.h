#pragma once

#include <cstdint>
#include <functional>

namespace mentor {

/// Runs `work(index)` for all indices below `count` on `threads` threads, the caller's among them.
/// The first exception stops all and is thrown again here.
void for_each_index(int64_t count, int threads, const std::function<void(int64_t)>& work);

}  // namespace mentor
