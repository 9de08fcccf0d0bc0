#include "mentor/tensor/memory.h"

#include <ATen/DeviceAccelerator.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace mentor {
namespace {

/// A line "NAME:   1234 kB" of a file of /proc, in bytes.
double proc_bytes(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string word; in >> word;) {
    if (word != name) continue;
    double kib = 0;
    in >> kib;
    return kib * 1024;
  }
  return 0;
}

constexpr size_t kAggregate = 0;

c10::CachingDeviceAllocator::DeviceStats device_stats(c10::Device device) {
  return at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
}

}  // namespace

double memory_in_use(c10::Device device) {
  if (device.is_cpu()) return proc_bytes("/proc/self/status", "VmRSS:");
  return static_cast<double>(device_stats(device).allocated_bytes[kAggregate].current);
}

double peak_memory(c10::Device device) {
  if (device.is_cpu()) return proc_bytes("/proc/self/status", "VmHWM:");
  return static_cast<double>(device_stats(device).reserved_bytes[kAggregate].peak);
}

double total_memory(c10::Device device) {
  if (device.is_cpu()) return proc_bytes("/proc/meminfo", "MemTotal:");
  return static_cast<double>(
      at::getDeviceAllocator(device.type())->getMemoryInfo(device.index()).second);
}

}  // namespace mentor
