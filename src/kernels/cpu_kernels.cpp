#include "mentor/kernels/cpu_kernels.h"

namespace mentor {

const CpuKernels& cpu_kernels() {
  static const CpuKernels& chosen = [&]() -> const CpuKernels& {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return avx512::kernels();
    if (__builtin_cpu_supports("x86-64-v3")) return avx2::kernels();
    return generic::kernels();
  }();
  return chosen;
}

}  // namespace mentor
