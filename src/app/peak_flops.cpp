#include "mentor/app/peak_flops.h"

#include "mentor/core/format.h"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#ifdef MENTOR_WITH_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

namespace mentor {
namespace {

constexpr double kTera = 1e12;

std::string device_name(const Runtime& runtime) {
#ifdef MENTOR_WITH_CUDA
  if (runtime.device.is_cuda()) return at::cuda::getDeviceProperties(runtime.device.index())->name;
#endif
  return runtime.device.str();
}

/// The best of some products of square matrices.
PeakFlops measured(const Runtime& runtime) {
  constexpr int64_t kSide = 2048;
  constexpr int kRuns = 8;
  const at::NoGradGuard no_grad;
  const auto options = at::TensorOptions().dtype(runtime.dtype).device(runtime.device);
  const at::Tensor a = at::ones({kSide, kSide}, options), b = at::ones_like(a);
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    const at::Tensor product = at::mm(a, b);
    if (!runtime.device.is_cpu()) at::accelerator::synchronizeDevice(runtime.device.index());
    const auto time = std::chrono::steady_clock::now() - begin;
    best = std::min(best, std::chrono::duration<double>(time).count());
  }
  const double flops = 2.0 * kSide * kSide * kSide / best;
  return {.per_second = flops,
          .source = format("{:.3g} TFLOP/s: a product of two {} x {} matrices measured here",
                           flops / kTera, kSide, kSide)};
}

}  // namespace

PeakFlops peak_flops(const Runtime& runtime) {
  constexpr struct {
    std::string_view name;
    double tera;
  } kDataSheets[] = {{"A100", 312}, {"H100", 989}, {"H200", 989}};
  const std::string name = device_name(runtime);
  for (const auto& [known, tera] : kDataSheets) {
    if (runtime.dtype != at::kBFloat16 || name.find(known) == std::string::npos) continue;
    return {.per_second = tera * kTera,
            .source = format("{} TFLOP/s: {}, dense bf16", tera, known)};
  }
  return measured(runtime);
}

}  // namespace mentor
