// The training kernels, included once per instruction set (lanes.inc.h).

#include "lanes.inc.h"
#include "mentor/kernels/train_kernels.h"

namespace mentor::MENTOR_ISA {
namespace {

/// Calls body(i, load, store) for i = 0, 16, ...: `load` and `store` move up to 16 elements, the
/// missing ones of the last step being 0.
template <class Body>
inline void for_lanes(int64_t n, const Body& body) {
  const int64_t whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    body(
        i, [](const auto* p) { return load(p); }, [](auto* p, F32x16 x) { store(p, x); });
  }
  if (whole == n) return;
  const auto count = static_cast<uint64_t>(n - whole);
  body(
      whole, [count](const auto* p) { return load_some(p, count); },
      [count](auto* p, F32x16 x) { store_some(p, x, count); });
}

template <class T>
inline F32x16 load_logits(const T* logits, int64_t i, int64_t n) {
  if (i + kLanes <= n) return load(logits + i);
  F32x16 x = load_some(logits + i, static_cast<uint64_t>(n - i));
  for (int64_t lane = n - i; lane < kLanes; ++lane) x[lane] = -__builtin_inff();
  return x;
}

template <class T>
float cross_entropy(const CrossEntropyArgs<T>& a) {
  F32x16 highest = F32x16{} - __builtin_inff();
  for (int64_t i = 0; i < a.n; i += kLanes) {
    const F32x16 x = load_logits(a.logits, i, a.n);
    highest = x > highest ? x : highest;
  }
  const float top = max(highest);
  F32x16 sums = {};
  for (int64_t i = 0; i < a.n; i += kLanes) sums += exp(load_logits(a.logits, i, a.n) - top);
  const float total = sum(sums), own = widen(a.logits[a.target]) - top;
  const float log_total = __builtin_logf(total);
  if (a.gradient) {
    const float factor = a.weight / total;
    for_lanes(a.n, [&](int64_t i, const auto& get, const auto& put) {
      put(a.logits + i, exp(get(a.logits + i) - top) * factor);
    });
    store_some(a.logits + a.target, F32x16{} + a.weight * (__builtin_expf(own - log_total) - 1), 1);
  }
  return log_total - own;
}

template <class T>
void rms_norm_backward(const RmsNormBackwardArgs<T>& a) {
  F32x16 squares = {}, products = {};
  for_lanes(a.n, [&](int64_t i, const auto& get, const auto&) {
    const F32x16 x = get(a.x + i);
    squares += x * x;
    products += x * get(a.w + i) * get(a.dy + i);
  });
  const auto n = static_cast<float>(a.n);
  const float scale = 1.0f / __builtin_sqrtf(sum(squares) / n + a.eps);
  const float along = sum(products) * scale * scale / n;
  for_lanes(a.n, [&](int64_t i, const auto& get, const auto& put) {
    const F32x16 x = get(a.x + i), dy = get(a.dy + i);
    put(a.dx + i, scale * (get(a.w + i) * dy - along * x));
    put(a.dw + i, get(a.dw + i) + dy * rounded_to(a.w, x * scale));
  });
}

inline F32x16 sigmoid(F32x16 x) {
  x = x < -80.0f ? F32x16{} - 80.0f : x;
  return 1.0f / (1.0f + exp(-x));
}

template <class T>
void silu_mul(const SiluMulArgs<T>& a) {
  for_lanes(a.n, [&](int64_t i, const auto& get, const auto& put) {
    const F32x16 gate = get(a.gate + i);
    put(a.y + i, gate * sigmoid(gate) * get(a.up + i));
  });
}

template <class T>
void silu_mul_backward(const SiluMulBackwardArgs<T>& a) {
  for_lanes(a.n, [&](int64_t i, const auto& get, const auto& put) {
    const F32x16 gate = get(a.gate + i), dy = get(a.dy + i), s = sigmoid(gate);
    put(a.dup + i, dy * gate * s);
    put(a.dgate + i, dy * get(a.up + i) * s * (1.0f + gate * (1.0f - s)));
  });
}

template <class T>
void rotate(const RotateArgs<T>& a) {
  constexpr U32x16 kTwice = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};
  constexpr U32x16 kSwapped = {1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14};
  const float sign = a.inverse ? -1.0f : 1.0f;
  const F32x16 signs = {-sign, sign, -sign, sign, -sign, sign, -sign, sign,
                        -sign, sign, -sign, sign, -sign, sign, -sign, sign};
  for (int64_t i = 0; i < a.head_dim; i += kLanes) {
    const int64_t rest = a.head_dim - i;
    const auto count = static_cast<uint64_t>(rest < kLanes ? rest : kLanes);
    const F32x16 cos = __builtin_shuffle(load_some(a.cos + i / 2, count / 2), kTwice);
    const F32x16 sin = __builtin_shuffle(load_some(a.sin + i / 2, count / 2), kTwice) * signs;
    for (int64_t head = 0; head < a.heads; ++head) {
      const int64_t at = head * a.head_dim + i;
      if (count == kLanes) {
        const F32x16 x = load(a.x + at);
        store(a.y + at, x * cos + __builtin_shuffle(x, kSwapped) * sin);
      } else {
        const F32x16 x = load_some(a.x + at, count);
        store_some(a.y + at, x * cos + __builtin_shuffle(x, kSwapped) * sin, count);
      }
    }
  }
}

using U64x8 = uint64_t __attribute__((vector_size(64)));

struct Products {
  U32x16 low, high;
};
/// The 64-bit products of 16 words with one, by their halves.
inline Products multiply(U32x16 x, uint64_t factor) {
  constexpr uint64_t kLow = 0xffffffffU;
  const U64x8 pairs = __builtin_bit_cast(U64x8, x);
  const U64x8 even = (pairs & kLow) * factor, odd = (pairs >> 32) * factor;
  return {__builtin_bit_cast(U32x16, (even & kLow) | (odd << 32)),
          __builtin_bit_cast(U32x16, (even >> 32) | (odd & ~kLow))};
}

/// Philox 4x32-10 (Salmon et al. 2011) of 16 counters: words w of counter c + lane.
struct Random64 {
  U32x16 word[4];
};
inline Random64 philox(uint64_t counter, uint64_t seed) {
  constexpr U32x16 kLane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Random64 r = {{static_cast<uint32_t>(counter) + kLane,  // a multiple of 16: no carry
                 U32x16{} + static_cast<uint32_t>(counter >> 32),
                 {},
                 {}}};
  auto key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Products a = multiply(r.word[0], 0xD2511F53U), b = multiply(r.word[2], 0xCD9E8D57U);
    r = {{b.high ^ r.word[1] ^ key0, b.low, a.high ^ r.word[3] ^ key1, a.low}};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return r;
}

template <class In, class Out>
void dropout(const DropoutArgs<In, Out>& a) {
  static_assert(kDropoutBlock == 4 * kLanes);
  for (int64_t begin = a.begin; begin < a.end; begin += kDropoutBlock) {
    const Random64 random = philox(static_cast<uint64_t>(begin) / 4, a.seed);
    for (int w = 0; w < 4; ++w) {
      const int64_t i = begin + w * kLanes, rest = a.end - i;
      if (rest <= 0) return;
      const I32x16 kept = random.word[w] >= a.threshold;
      if (rest >= kLanes) {
        const F32x16 y = kept ? load(a.x + i) * a.scale : F32x16{};
        store(a.y + i, a.residual == nullptr ? y : y + load(a.residual + i));
      } else {
        const auto count = static_cast<uint64_t>(rest);
        const F32x16 y = kept ? load_some(a.x + i, count) * a.scale : F32x16{};
        store_some(a.y + i, a.residual == nullptr ? y : y + load_some(a.residual + i, count),
                   count);
      }
    }
  }
}

}  // namespace

template <class T>
const TrainKernels<T>& train_kernels() {
  static constexpr TrainKernels<T> table = {
      .cross_entropy = cross_entropy<T>,
      .rms_norm_backward = rms_norm_backward<T>,
      .silu_mul = silu_mul<T>,
      .silu_mul_backward = silu_mul_backward<T>,
      .rotate = rotate<T>,
      .dropout = dropout<T, T>,
      .dropout_to_residual = dropout<T, float>,
      .dropout_from_residual = dropout<float, T>,
  };
  return table;
}
template const TrainKernels<float>& train_kernels<float>();
template const TrainKernels<Bf16>& train_kernels<Bf16>();

}  // namespace mentor::MENTOR_ISA
