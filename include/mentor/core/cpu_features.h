#pragma once

#include <string>

namespace mentor {

/// What this processor (and the kernel's support for it) offers to the number crunching.
struct CpuFeatures {
  bool avx2 = false;
  bool avx512 = false;
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
  bool amx_bf16 = false;
  bool amx_int8 = false;

  /// bf16 multiplications in hardware: otherwise bf16 is emulated and slower than fp32.
  [[nodiscard]] bool has_bf16() const { return avx512_bf16 || amx_bf16; }
  /// "AVX2 AVX512 AVX512-BF16 ...", or "none of AVX2, AVX512, AMX".
  [[nodiscard]] std::string string() const;
};

[[nodiscard]] CpuFeatures cpu_features();

/// Physical cores that this process may run on (hyper-threads counted once), at least 1.
[[nodiscard]] int physical_cores();

}  // namespace mentor
