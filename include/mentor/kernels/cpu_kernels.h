#pragma once

#include "mentor/kernels/bf16.h"

// Kernels of the decode step on a CPU, for which ATen has no fast form: few rows against big
// matrices, and one query per row against its cache. Raw pointers, no threads: callers split the
// ranges. One source is compiled per instruction set (cpu_kernels.inc.h); cpu_kernels() picks
// the widest that this machine has. A row's result never depends on how many rows share a call.

namespace mentor {

/// y[m, n] = sum_k x[m, k] w[n, k] (+ bias[n]) for n in [n_begin, n_end); fp32 accumulation in an
/// order that depends on k only. x is fp32 [rows, k], w is [n, k], y is fp32 [rows, ldy].
template <class T>
struct GemvArgs {
  const float* x;
  const T* w;
  const T* bias;  // may be null
  float* y;
  int64_t rows, k, ldy;
  int64_t n_begin, n_end;
};

/// Attention of one query over the first `length` cached keys and values of one head:
/// out[d] = sum_t softmax_t(scale q.k_t) v_t[d]. `scores` is scratch for `length` floats.
template <class T>
struct DecodeAttentionArgs {
  const float* q;  // [head_dim]
  const T* k;      // [length, head_dim]
  const T* v;      // [length, head_dim]
  float* out;      // [head_dim]
  float* scores;
  int64_t length, head_dim;
  float scale;
};

/// One row of the root-mean-square norm: y[i] = round(x[i] / sqrt(mean(x²) + eps)) * w[i], rounded
/// to T before the weight as the models were trained.
template <class T>
struct RmsNormArgs {
  const float* x;
  const T* w;
  T* y;
  int64_t n;
  float eps;
};

/// The kernels of one instruction set.
struct CpuKernels {
  const char* name;  // "avx512" | "avx2" | "generic"
  void (*gemv_f32)(const GemvArgs<float>&);
  void (*gemv_bf16)(const GemvArgs<Bf16>&);
  void (*decode_attention_f32)(const DecodeAttentionArgs<float>&);
  void (*decode_attention_bf16)(const DecodeAttentionArgs<Bf16>&);
  void (*rms_norm_f32)(const RmsNormArgs<float>&);
  void (*rms_norm_bf16)(const RmsNormArgs<Bf16>&);
};

/// The widest set this processor runs; chosen once.
[[nodiscard]] const CpuKernels& cpu_kernels();

namespace avx512 {
[[nodiscard]] const CpuKernels& kernels();
}
namespace avx2 {
[[nodiscard]] const CpuKernels& kernels();
}
namespace generic {
[[nodiscard]] const CpuKernels& kernels();
}

}  // namespace mentor
