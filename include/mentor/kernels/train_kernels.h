#pragma once

#include "mentor/kernels/bf16.h"

// Kernels of the training step on a CPU: passes over activations that ATen would take several
// times, each with its gradient. As cpu_kernels.h: raw pointers, no threads, one source per
// instruction set (train_kernels.inc.h). T is the dtype of the weights, float or Bf16; the residual
// stream and all arithmetic are fp32.

namespace mentor {

/// One row of logits [n]: loss = log sum exp(logits) - logits[target]. With `gradient` the row
/// becomes weight * (softmax - onehot(target)), the gradient of weight * loss.
template <class T>
struct CrossEntropyArgs {
  T* logits;
  int64_t n, target;
  float weight;
  bool gradient;
};

/// Gradient of one row of RmsNormArgs (cpu_kernels.h): dx[i] is written, dw[i] added to.
template <class T>
struct RmsNormBackwardArgs {
  const float* x;
  const T* w;
  const T* dy;
  float* dx;
  float* dw;
  int64_t n;
  float eps;
};

/// y = silu(gate) * up for n elements.
template <class T>
struct SiluMulArgs {
  const T *gate, *up;
  T* y;
  int64_t n;
};
template <class T>
struct SiluMulBackwardArgs {
  const T *gate, *up, *dy;
  T *dgate, *dup;
  int64_t n;
};

/// Turns the channel pairs of one position: y[2i] = x[2i] cos[i] - x[2i+1] sin[i] and
/// y[2i+1] = x[2i+1] cos[i] + x[2i] sin[i] in each head; the other way round with sin = -sin.
template <class T>
struct RotateArgs {
  const T* x;  // [heads, head_dim]
  T* y;
  const float *cos, *sin;  // [head_dim / 2]
  int64_t heads, head_dim;
  bool inverse;
};

/// Elements [begin, end) of a tensor: y = residual + (kept ? x * scale : 0), without a residual if
/// that is null. Element i is kept where word i of the Philox 4x32-10 stream of `seed`, in an order
/// of ours, is at least `threshold`, whatever the other elements are. `begin` is a multiple of
/// kDropoutBlock.
constexpr int64_t kDropoutBlock = 64;
template <class In, class Out>
struct DropoutArgs {
  const In* x;
  const Out* residual;
  Out* y;
  int64_t begin, end;
  uint64_t seed;
  uint32_t threshold;
  float scale;
};

template <class T>
struct TrainKernels {
  float (*cross_entropy)(const CrossEntropyArgs<T>&);
  void (*rms_norm_backward)(const RmsNormBackwardArgs<T>&);
  void (*silu_mul)(const SiluMulArgs<T>&);
  void (*silu_mul_backward)(const SiluMulBackwardArgs<T>&);
  void (*rotate)(const RotateArgs<T>&);
  void (*dropout)(const DropoutArgs<T, T>&);
  void (*dropout_to_residual)(const DropoutArgs<T, float>&);
  void (*dropout_from_residual)(const DropoutArgs<float, T>&);
};

/// The kernels of the widest instruction set this processor runs.
template <class T>
[[nodiscard]] const TrainKernels<T>& train_kernels();

namespace avx512 {
template <class T>
[[nodiscard]] const TrainKernels<T>& train_kernels();
}
namespace avx2 {
template <class T>
[[nodiscard]] const TrainKernels<T>& train_kernels();
}
namespace generic {
template <class T>
[[nodiscard]] const TrainKernels<T>& train_kernels();
}

}  // namespace mentor
