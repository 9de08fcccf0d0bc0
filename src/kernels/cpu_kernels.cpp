#include "mentor/kernels/cpu_kernels.h"

#include "mentor/kernels/attention_kernels.h"
#include "mentor/kernels/train_kernels.h"

namespace mentor {
namespace {

enum class InstructionSet { kGeneric, kAvx2, kAvx512 };

InstructionSet widest_here() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return InstructionSet::kAvx512;
  if (__builtin_cpu_supports("x86-64-v3")) return InstructionSet::kAvx2;
  return InstructionSet::kGeneric;
}

template <class Table>
const Table& choose(const Table& generic, const Table& avx2, const Table& avx512) {
  static const InstructionSet widest = widest_here();
  if (widest == InstructionSet::kAvx512) return avx512;
  return widest == InstructionSet::kAvx2 ? avx2 : generic;
}

}  // namespace

const CpuKernels& cpu_kernels() {
  return choose(generic::kernels(), avx2::kernels(), avx512::kernels());
}

template <class T>
const TrainKernels<T>& train_kernels() {
  return choose(generic::train_kernels<T>(), avx2::train_kernels<T>(), avx512::train_kernels<T>());
}
template const TrainKernels<float>& train_kernels<float>();
template const TrainKernels<Bf16>& train_kernels<Bf16>();

template <class T>
const AttentionKernels<T>& attention_kernels() {
  return choose(generic::attention_kernels<T>(), avx2::attention_kernels<T>(),
                avx512::attention_kernels<T>());
}
template const AttentionKernels<float>& attention_kernels<float>();
template const AttentionKernels<Bf16>& attention_kernels<Bf16>();

}  // namespace mentor
