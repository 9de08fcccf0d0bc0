// The decode kernels, included once per instruction set (lanes.inc.h).

#include "lanes.inc.h"
#include "mentor/kernels/cpu_kernels.h"

namespace mentor::MENTOR_ISA {
namespace {

/// Rows m .. m + kRows - 1 against matrix row n. Four partial sums per row hide the latency of
/// the multiply-adds; their number does not depend on kRows, so neither does a row's result.
template <int kRows, class T>
inline void gemv_rows(const GemvArgs<T>& a, int64_t n, int64_t m) {
  constexpr int kUnroll = 4;
  const int64_t k_unrolled = a.k - a.k % (kUnroll * kLanes);
  const int64_t k_vector = a.k - a.k % kLanes;
  const T* w = a.w + n * a.k;
  const float* x = a.x + m * a.k;
  F32x16 acc[kRows][kUnroll] = {};
  int64_t k = 0;
  for (; k < k_unrolled; k += kUnroll * kLanes) {
    __builtin_prefetch(w + k + 1024);
    __builtin_prefetch(w + k + 1024 + 32);
    for (int u = 0; u < kUnroll; ++u) {
      const F32x16 weight = load(w + k + u * kLanes);
      for (int r = 0; r < kRows; ++r) acc[r][u] += load(x + r * a.k + k + u * kLanes) * weight;
    }
  }
  for (; k < k_vector; k += kLanes) {
    const F32x16 weight = load(w + k);
    for (int r = 0; r < kRows; ++r) acc[r][0] += load(x + r * a.k + k) * weight;
  }
  for (int r = 0; r < kRows; ++r) {
    float y = sum((acc[r][0] + acc[r][1]) + (acc[r][2] + acc[r][3]));
    for (int64_t tail = k_vector; tail < a.k; ++tail) y += x[r * a.k + tail] * widen(w[tail]);
    a.y[(m + r) * a.ldy + n] = a.bias == nullptr ? y : y + widen(a.bias[n]);
  }
}

/// A matrix row is read from memory once and from the first-level cache for all further rows.
template <class T>
void gemv(const GemvArgs<T>& a) {
  for (int64_t n = a.n_begin; n < a.n_end; ++n) {
    int64_t m = 0;
    for (; m + 4 <= a.rows; m += 4) gemv_rows<4>(a, n, m);
    if (a.rows - m == 3) gemv_rows<3>(a, n, m);
    if (a.rows - m == 2) gemv_rows<2>(a, n, m);
    if (a.rows - m == 1) gemv_rows<1>(a, n, m);
  }
}

template <class T>
inline float dot(const float* x, const T* y, int64_t n) {
  F32x16 acc = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) acc += load(x + i) * load(y + i);
  float total = sum(acc);
  for (; i < n; ++i) total += x[i] * widen(y[i]);
  return total;
}

/// scores[t] = exp(scores[t] - max), returns their sum.
inline float softmax_numerators(float* scores, int64_t length) {
  float highest = scores[0];
  for (int64_t t = 1; t < length; ++t) highest = scores[t] > highest ? scores[t] : highest;
  F32x16 acc = {};
  int64_t t = 0;
  for (; t + kLanes <= length; t += kLanes) {
    const F32x16 e = exp(load(scores + t) - highest);
    store(scores + t, e);
    acc += e;
  }
  float total = sum(acc);
  for (; t < length; ++t) {
    const F32x16 e = exp(F32x16{} + (scores[t] - highest));
    scores[t] = e[0];
    total += e[0];
  }
  return total;
}

/// out[d .. d + 16 * kBlocks) = sum_t weights[t] v[t, d ..] * scale
template <int kBlocks, class T>
inline void weighted_sum(const DecodeAttentionArgs<T>& a, int64_t d, float scale) {
  F32x16 acc[kBlocks] = {};
  for (int64_t t = 0; t < a.length; ++t) {
    for (int b = 0; b < kBlocks; ++b) {
      acc[b] += a.scores[t] * load(a.v + t * a.head_dim + d + b * kLanes);
    }
  }
  for (int b = 0; b < kBlocks; ++b) store(a.out + d + b * kLanes, acc[b] * scale);
}

template <class T>
void decode_attention(const DecodeAttentionArgs<T>& a) {
  for (int64_t t = 0; t < a.length; ++t) {
    a.scores[t] = a.scale * dot(a.q, a.k + t * a.head_dim, a.head_dim);
  }
  const float normaliser = 1.0f / softmax_numerators(a.scores, a.length);
  int64_t d = 0;
  for (; d + 4 * kLanes <= a.head_dim; d += 4 * kLanes) weighted_sum<4>(a, d, normaliser);
  for (; d + kLanes <= a.head_dim; d += kLanes) weighted_sum<1>(a, d, normaliser);
  for (; d < a.head_dim; ++d) {
    float total = 0;
    for (int64_t t = 0; t < a.length; ++t) total += a.scores[t] * widen(a.v[t * a.head_dim + d]);
    a.out[d] = total * normaliser;
  }
}

inline float sum_of_squares(const float* x, int64_t n) {
  constexpr int kUnroll = 4;
  F32x16 acc[kUnroll] = {};
  int64_t i = 0;
  for (; i + kUnroll * kLanes <= n; i += kUnroll * kLanes) {
    for (int u = 0; u < kUnroll; ++u) acc[u] += load(x + i + u * kLanes) * load(x + i + u * kLanes);
  }
  for (; i + kLanes <= n; i += kLanes) acc[0] += load(x + i) * load(x + i);
  float total = sum((acc[0] + acc[1]) + (acc[2] + acc[3]));
  for (; i < n; ++i) total += x[i] * x[i];
  return total;
}

template <class T>
void rms_norm(const RmsNormArgs<T>& a) {
  const float mean = sum_of_squares(a.x, a.n) / static_cast<float>(a.n);
  const float scale = 1.0f / __builtin_sqrtf(mean + a.eps);
  const auto lanes = [scale](const float* x, const T* w, T* y) {
    store(y, rounded_to(w, load(x) * scale) * load(w));
  };
  int64_t i = 0;
  for (; i + kLanes <= a.n; i += kLanes) lanes(a.x + i, a.w + i, a.y + i);
  if (i == a.n) return;
  const auto tail = static_cast<uint64_t>(a.n - i);
  float x[kLanes] = {};
  T w[kLanes] = {}, y[kLanes];
  __builtin_memcpy(x, a.x + i, tail * sizeof(float));
  __builtin_memcpy(w, a.w + i, tail * sizeof(T));
  lanes(x, w, y);
  __builtin_memcpy(a.y + i, y, tail * sizeof(T));
}

constexpr const char* kName = MENTOR_ISA_NAME;

}  // namespace

const CpuKernels& kernels() {
  static constexpr CpuKernels table = {
      .name = kName,
      .gemv_f32 = gemv<float>,
      .gemv_bf16 = gemv<Bf16>,
      .decode_attention_f32 = decode_attention<float>,
      .decode_attention_bf16 = decode_attention<Bf16>,
      .rms_norm_f32 = rms_norm<float>,
      .rms_norm_bf16 = rms_norm<Bf16>,
  };
  return table;
}

}  // namespace mentor::MENTOR_ISA
