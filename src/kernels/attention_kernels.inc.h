// The attention kernels, included once per instruction set (lanes.inc.h).

#include "lanes.inc.h"
#include "mentor/kernels/attention_kernels.h"

namespace mentor::MENTOR_ISA {
namespace {

inline uint32_t pair(Bf16 first, Bf16 second) {
  return static_cast<uint32_t>(first.bits) | static_cast<uint32_t>(second.bits) << 16;
}
inline U32x16 pairs(F32x16 first, F32x16 second) {
  return bf16_bits(first) | bf16_bits(second) << 16;
}

template <class T>
inline T element(const HeadRows<T>& x, int64_t row, int64_t column) {
  return row < x.rows ? x.x[row * x.stride + column] : T{};
}

void right(const HeadRows<Bf16>& x, int64_t padded, Bf16* out) {
  for (int64_t row = 0; row < padded; row += 2) {
    for (int64_t column = 0; column < x.dim; ++column) {
      const uint32_t both = pair(element(x, row, column), element(x, row + 1, column));
      __builtin_memcpy(out + (row * x.dim + 2 * column), &both, sizeof(both));
    }
  }
}
void right(const HeadRows<float>& x, int64_t padded, float* out) {
  for (int64_t row = 0; row < padded; ++row) {
    for (int64_t column = 0; column < x.dim; ++column) {
      out[row * x.dim + column] = element(x, row, column);
    }
  }
}

/// Both dtypes move 32-bit words: two neighbouring channels of bf16, or one of fp32.
template <class T>
void right_transposed(const HeadRows<T>& x, T* out) {
  constexpr int64_t kPerWord = sizeof(uint32_t) / sizeof(T);
  const int64_t words = x.dim / kPerWord;
  for (int64_t word = 0; word < words; ++word) {
    for (int64_t row = 0; row < kAttentionBlock; ++row) {
      uint32_t bits = 0;
      if (row < x.rows) {
        __builtin_memcpy(&bits, x.x + row * x.stride + word * kPerWord, sizeof(bits));
      }
      __builtin_memcpy(out + (word * kAttentionBlock + row) * kPerWord, &bits, sizeof(bits));
    }
  }
}

template <class T>
void left_transposed(const HeadRows<T>& x, int64_t padded, T* out) {
  constexpr int64_t kStep = 32;  // rows that stay in the first-level cache
  for (int64_t first = 0; first < padded; first += kStep) {
    for (int64_t column = 0; column < x.dim; ++column) {
      for (int64_t row = first; row < first + kStep; ++row) {
        out[column * padded + row] = element(x, row, column);
      }
    }
  }
}

struct ProbabilityLanes {
  F32x16 p, ds;
};
template <class T>
inline ProbabilityLanes probabilities(const SoftmaxBackwardArgs<T>& a, int64_t row, int64_t i) {
  constexpr I32x16 kLane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const int64_t at = row * kAttentionBlock + i;
  F32x16 p = exp(load(a.scores + at) * a.scale - a.log_sum[row]);
  const int64_t visible = a.visible + row - i;
  if (visible < kLanes) p = kLane < static_cast<int32_t>(visible) ? p : F32x16{};
  return {p, p * (load(a.gradients + at) - a.mean_gradient[row]) * a.scale};
}

void softmax_backward(const SoftmaxBackwardArgs<Bf16>& a) {
  for (int64_t row = 0; row < a.rows; row += 2) {
    for (int64_t i = 0; i < kAttentionBlock; i += kLanes) {
      const auto even = probabilities(a, row, i), odd = probabilities(a, row + 1, i);
      const int64_t at = row * kAttentionBlock + i;
      const U32x16 p = pairs(even.p, odd.p), ds = pairs(even.ds, odd.ds);
      __builtin_memcpy(a.p_right + (at + i), &p, sizeof(p));
      __builtin_memcpy(a.ds_right + (at + i), &ds, sizeof(ds));
      store(a.ds + at, even.ds);
      store(a.ds + (at + kAttentionBlock), odd.ds);
    }
  }
}
void softmax_backward(const SoftmaxBackwardArgs<float>& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    for (int64_t i = 0; i < kAttentionBlock; i += kLanes) {
      const auto [p, ds] = probabilities(a, row, i);
      store(a.p_right + row * kAttentionBlock + i, p);
      store(a.ds + row * kAttentionBlock + i, ds);
    }
  }
}

template <class T>
void row_dots(const HeadRows<T>& x, const HeadRows<T>& y, float* sums) {
  for (int64_t row = 0; row < x.rows; ++row) {
    F32x16 acc = {};
    for (int64_t i = 0; i < x.dim; i += kLanes) {
      acc += load(x.x + row * x.stride + i) * load(y.x + row * y.stride + i);
    }
    sums[row] = sum(acc);
  }
}

template <class T>
void store_rows(const float* x, const HeadRows<T>& out) {
  for (int64_t row = 0; row < out.rows; ++row) {
    for (int64_t i = 0; i < out.dim; i += kLanes) {
      store(out.x + row * out.stride + i, load(x + row * out.dim + i));
    }
  }
}

template <class T>
void store_columns(const float* x, const HeadRows<T>& out) {
  for (int64_t row = 0; row < out.rows; ++row) {
    for (int64_t i = 0; i < out.dim; i += kLanes) {
      F32x16 channels;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        channels[lane] = x[(i + lane) * kAttentionBlock + row];
      }
      store(out.x + row * out.stride + i, channels);
    }
  }
}

}  // namespace

template <class T>
const AttentionKernels<T>& attention_kernels() {
  static constexpr AttentionKernels<T> table = {
      .right = right,
      .right_transposed = right_transposed<T>,
      .left_transposed = left_transposed<T>,
      .softmax_backward = softmax_backward,
      .row_dots = row_dots<T>,
      .store_rows = store_rows<T>,
      .store_columns = store_columns<T>,
  };
  return table;
}
template const AttentionKernels<float>& attention_kernels<float>();
template const AttentionKernels<Bf16>& attention_kernels<Bf16>();

}  // namespace mentor::MENTOR_ISA
