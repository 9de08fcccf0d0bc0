#pragma once

#include "mentor/kernels/bf16.h"

// What blockwise causal attention does between its products of matrices
// (src/nn/causal_attention.cpp). T is the dtype of the products' operands. A right operand [rows,
// columns] of bf16 is stored in pairs, as the hardware's tiles read it: [rows / 2, columns, 2]; one
// of fp32 as it is.

namespace mentor {

/// Keys of one block; rows and right operands are padded to a multiple of it with zeros.
constexpr int64_t kAttentionBlock = 64;

/// `rows` rows of one head, `stride` elements apart, each of `dim` channels (a multiple of 16).
template <class T>
struct HeadRows {
  T* x;
  int64_t stride, rows, dim;
};

/// One block of keys against `rows` (even) queries: scores and the gradients of the probabilities,
/// both [rows, kAttentionBlock]. Writes the probabilities p = exp(scale * score - log_sum) and the
/// gradients of the scores scale * p * (gradient - mean_gradient). Row r sees `visible` + r keys of
/// the block.
template <class T>
struct SoftmaxBackwardArgs {
  const float *scores, *gradients;
  const float *log_sum, *mean_gradient;  // [rows]
  int64_t rows, visible;
  float scale;
  T* p_right;   // right operand
  T* ds;        // left operand [rows, kAttentionBlock]
  T* ds_right;  // right operand; unused where that is the same (fp32)
};

template <class T>
struct AttentionKernels {
  /// x as a right operand of `padded` rows.
  void (*right)(const HeadRows<T>& x, int64_t padded, T* out);
  /// xᵀ as a right operand [dim, kAttentionBlock]; at most that many rows.
  void (*right_transposed)(const HeadRows<T>& x, T* out);
  /// xᵀ as a left operand [dim, padded].
  void (*left_transposed)(const HeadRows<T>& x, int64_t padded, T* out);
  void (*softmax_backward)(const SoftmaxBackwardArgs<T>&);
  /// sums[r] = the sum over the channels of x * y in row r.
  void (*row_dots)(const HeadRows<T>& x, const HeadRows<T>& y, float* sums);
  /// Row r of `out` becomes row r of x [rows, dim].
  void (*store_rows)(const float* x, const HeadRows<T>& out);
  /// Row r of `out` becomes column r of x [dim, kAttentionBlock].
  void (*store_columns)(const float* x, const HeadRows<T>& out);
};

/// The kernels of the widest instruction set this processor runs.
template <class T>
[[nodiscard]] const AttentionKernels<T>& attention_kernels();

namespace avx512 {
template <class T>
[[nodiscard]] const AttentionKernels<T>& attention_kernels();
}
namespace avx2 {
template <class T>
[[nodiscard]] const AttentionKernels<T>& attention_kernels();
}
namespace generic {
template <class T>
[[nodiscard]] const AttentionKernels<T>& attention_kernels();
}

}  // namespace mentor
