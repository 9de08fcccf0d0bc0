#pragma once

#include <c10/core/Device.h>

namespace mentor {

/// Bytes in use now: resident memory of the process on a CPU, the allocator's on a GPU.
[[nodiscard]] double memory_in_use(c10::Device device);
/// The highest since the start; on a GPU what the allocator had reserved.
[[nodiscard]] double peak_memory(c10::Device device);
/// What the device, or this machine for a CPU, has in all; 0 where it is not known.
[[nodiscard]] double total_memory(c10::Device device);

}  // namespace mentor
