#include "mentor/core/cpu_features.h"

#include "mentor/core/format.h"

#include <algorithm>
#include <cpuid.h>
#include <fstream>
#include <sched.h>
#include <set>
#include <utility>

namespace mentor {
namespace {

/// AMX as cpuid reports it; the compiler's builtin does not know these names before GCC 13.
bool cpuid_amx(unsigned int edx_bit) {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && ((edx >> edx_bit) & 1U) != 0;
}

int read_number(const std::string& file, int otherwise) {
  std::ifstream in(file);
  int number = otherwise;
  return in >> number ? number : otherwise;
}

}  // namespace

CpuFeatures cpu_features() {
  constexpr unsigned int kAmxBf16Bit = 22;
  constexpr unsigned int kAmxInt8Bit = 25;
  return {.avx2 = __builtin_cpu_supports("avx2") != 0,
          .avx512 = __builtin_cpu_supports("avx512f") != 0,
          .avx512_bf16 = __builtin_cpu_supports("avx512bf16") != 0,
          .avx512_vnni = __builtin_cpu_supports("avx512vnni") != 0,
          .amx_bf16 = cpuid_amx(kAmxBf16Bit),
          .amx_int8 = cpuid_amx(kAmxInt8Bit)};
}

std::string CpuFeatures::string() const {
  std::string names;
  const auto add = [&](bool present, const char* name) {
    if (present) names += (names.empty() ? "" : " ") + std::string(name);
  };
  add(avx2, "AVX2");
  add(avx512, "AVX512");
  add(avx512_bf16, "AVX512-BF16");
  add(avx512_vnni, "AVX512-VNNI");
  add(amx_bf16, "AMX-BF16");
  add(amx_int8, "AMX-INT8");
  return names.empty() ? "none of AVX2, AVX512, AMX" : names;
}

int physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  std::set<std::pair<int, int>> cores;  // (socket, core)
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string topology = format("/sys/devices/system/cpu/cpu{}/topology/", cpu);
    // Where the kernel hides the topology, every logical processor counts as a core.
    cores.emplace(read_number(topology + "physical_package_id", 0),
                  read_number(topology + "core_id", cpu));
  }
  return std::max(1, static_cast<int>(cores.size()));
}

}  // namespace mentor
