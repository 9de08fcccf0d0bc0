// The decode kernels at the sizes of LlamaGen-XL, one thread: bytes per second against what the
// memory gives is what counts. build/tests/bench_kernels --benchmark_filter=gemv
#include "mentor/kernels/cpu_kernels.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

namespace mentor {
namespace {

/// Numbers around 0 of no particular kind.
template <class T>
std::vector<T> numbers(int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  uint32_t state = 1;
  for (T& value : values) {
    state = state * 1664525u + 1013904223u;
    const float x = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
    if constexpr (sizeof(T) == sizeof(float)) {
      value = x;
    } else {
      uint32_t bits = 0;
      std::memcpy(&bits, &x, sizeof(bits));
      value = {static_cast<uint16_t>(bits >> 16)};
    }
  }
  return values;
}

/// Arguments: rows, outputs n, inputs k.
void gemv_bf16(benchmark::State& state) {
  const int64_t rows = state.range(0), n = state.range(1), k = state.range(2);
  const auto w = numbers<Bf16>(n * k);
  const auto x = numbers<float>(rows * k);
  std::vector<float> y(static_cast<size_t>(rows * n));
  const GemvArgs<Bf16> args{.x = x.data(),
                            .w = w.data(),
                            .bias = nullptr,
                            .y = y.data(),
                            .rows = rows,
                            .k = k,
                            .ldy = n,
                            .n_begin = 0,
                            .n_end = n};
  for (auto _ : state) {
    cpu_kernels().gemv_bf16(args);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * n * k * static_cast<int64_t>(sizeof(Bf16)));
  state.SetLabel(cpu_kernels().name);
}
BENCHMARK(gemv_bf16)
    ->ArgNames({"rows", "n", "k"})
    ->Args({1, 3840, 1280})
    ->Args({2, 3840, 1280})
    ->Args({2, 16384, 1280})
    ->Args({16, 3840, 1280});

/// Argument: cached positions of the 20 heads of one layer and row.
void decode_attention_bf16(benchmark::State& state) {
  constexpr int64_t kHeads = 20, kHeadDim = 64;
  const int64_t length = state.range(0);
  const auto k = numbers<Bf16>(kHeads * length * kHeadDim), v = k;
  const auto q = numbers<float>(kHeads * kHeadDim);
  std::vector<float> out(kHeads * kHeadDim), scores(static_cast<size_t>(length));
  for (auto _ : state) {
    for (int64_t head = 0; head < kHeads; ++head) {
      cpu_kernels().decode_attention_bf16({.q = q.data() + head * kHeadDim,
                                           .k = k.data() + head * length * kHeadDim,
                                           .v = v.data() + head * length * kHeadDim,
                                           .out = out.data() + head * kHeadDim,
                                           .scores = scores.data(),
                                           .length = length,
                                           .head_dim = kHeadDim,
                                           .scale = 0.125f});
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * kHeads * length * kHeadDim *
                          static_cast<int64_t>(sizeof(Bf16)));
}
BENCHMARK(decode_attention_bf16)->ArgName("length")->Arg(320)->Arg(1344);

void rms_norm_bf16(benchmark::State& state) {
  constexpr int64_t kDim = 1280;
  const auto x = numbers<float>(kDim);
  const auto w = numbers<Bf16>(kDim);
  std::vector<Bf16> y(kDim);
  for (auto _ : state) {
    cpu_kernels().rms_norm_bf16(
        {.x = x.data(), .w = w.data(), .y = y.data(), .n = kDim, .eps = 1e-5f});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * kDim * static_cast<int64_t>(sizeof(float)));
}
BENCHMARK(rms_norm_bf16);

}  // namespace
}  // namespace mentor

BENCHMARK_MAIN();
