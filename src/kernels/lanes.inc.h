// Vectors of 16 floats for kernels that are compiled once per instruction set, with MENTOR_ISA
// naming the namespace. Only built-in types and GCC's vector extension appear in these files: an
// inline library function compiled for AVX-512 must not be merged by the linker with its twin that
// runs on every machine.

#pragma once

#include "mentor/kernels/bf16.h"

namespace mentor::MENTOR_ISA {
namespace {

using F32x16 = float __attribute__((vector_size(64)));
using U32x16 = uint32_t __attribute__((vector_size(64)));
using I32x16 = int32_t __attribute__((vector_size(64)));
using U16x16 = uint16_t __attribute__((vector_size(32)));

constexpr int64_t kLanes = 16;

inline float widen(float x) { return x; }
inline float widen(Bf16 x) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16);
}

inline F32x16 load(const float* p) {
  F32x16 x;
  __builtin_memcpy(&x, p, sizeof(x));
  return x;
}
inline F32x16 load(const Bf16* p) {
  U16x16 raw;
  __builtin_memcpy(&raw, p, sizeof(raw));
  return __builtin_bit_cast(F32x16, __builtin_convertvector(raw, U32x16) << 16);
}
inline void store(float* p, F32x16 x) { __builtin_memcpy(p, &x, sizeof(x)); }

inline float sum(F32x16 x) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) x[i] += x[i + half];
  }
  return x[0];
}

inline float max(F32x16 x) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) x[i] = x[i] > x[i + half] ? x[i] : x[i + half];
  }
  return x[0];
}

/// exp for x <= 88, relative error below 2e-7; 0 below -87.3.
inline F32x16 exp(F32x16 x) {
  constexpr float kLog2e = 1.44269504088896341f;
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  const I32x16 underflow = x < -87.3f;
  x = x < -87.3f ? F32x16{} - 87.3f : x;
  const F32x16 shifted = x * kLog2e + 12582912.0f;  // 1.5 * 2^23: the sum rounds to an integer
  const F32x16 n = shifted - 12582912.0f;
  const F32x16 r = x - n * kLn2High - n * kLn2Low;
  F32x16 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const I32x16 exponent = (__builtin_convertvector(n, I32x16) + 127) << 23;
  const F32x16 result = p * __builtin_bit_cast(F32x16, exponent);
  return underflow ? F32x16{} : result;
}

/// Nearest bfloat16, ties to even.
inline U32x16 bf16_bits(F32x16 x) {
  const U32x16 bits = __builtin_bit_cast(U32x16, x);
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}
inline void store(Bf16* p, F32x16 x) {
  const U16x16 raw = __builtin_convertvector(bf16_bits(x), U16x16);
  __builtin_memcpy(p, &raw, sizeof(raw));
}
inline F32x16 rounded_to(const float*, F32x16 x) { return x; }
inline F32x16 rounded_to(const Bf16*, F32x16 x) {
  return __builtin_bit_cast(F32x16, bf16_bits(x) << 16);
}

/// The first `count` of 16 elements; the others are 0, or not stored.
template <class T>
inline F32x16 load_some(const T* p, uint64_t count) {
  T padded[kLanes] = {};
  __builtin_memcpy(padded, p, count * sizeof(T));
  return load(padded);
}
template <class T>
inline void store_some(T* p, F32x16 x, uint64_t count) {
  T padded[kLanes];
  store(padded, x);
  __builtin_memcpy(p, padded, count * sizeof(T));
}

}  // namespace
}  // namespace mentor::MENTOR_ISA
