#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace mentor {

/// Seed of one independent random stream, a pure function of the run's seed, the purpose
/// ("sample", "task", "init") and the keys (epoch, record index, ...). Thread, worker and rank
/// counts never enter, so they change nothing.
[[nodiscard]] uint64_t stream_seed(uint64_t run_seed, std::string_view purpose,
                                   std::initializer_list<uint64_t> keys = {});

/// FNV-1a 64 of a byte string: stable over platforms and releases.
[[nodiscard]] uint64_t fnv1a(std::string_view bytes);

/// SplitMix64 output function: a bijection that mixes all 64 bits.
[[nodiscard]] uint64_t mix64(uint64_t x);

/// A uniform number in [0, 1) from 64 uniform bits.
[[nodiscard]] constexpr double unit_interval(uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace mentor
