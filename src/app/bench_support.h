#pragma once

#include "mentor/app/bench.h"
#include "mentor/app/runtime.h"

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <chrono>
#include <functional>
#include <string>

// What the benchmarks of the models share.

namespace mentor {

using BenchClock = std::chrono::steady_clock;

[[nodiscard]] double milliseconds_since(BenchClock::time_point begin);

/// One untimed call, then `runs` timed ones.
[[nodiscard]] BenchFigure time_runs(const std::string& name, int64_t runs,
                                    const std::function<void()>& work);

/// Highest memory so far: of the process, or what was reserved on a GPU.
[[nodiscard]] double peak_memory_mib(const Runtime& runtime);

/// --prompt-tokens, or 256 tokens of a picture and 64 of a sentence as far as they fit.
[[nodiscard]] int64_t prompt_length(const BenchOptions& options, const LlamaGenConfig& decoder);

[[nodiscard]] BenchResult start_result(const std::string& what, const RunConfig& config,
                                       const Runtime& runtime);

/// Normal numbers of the weight's dtype on its device.
[[nodiscard]] at::Tensor random_like(const at::Tensor& weight, at::IntArrayRef sizes);

[[nodiscard]] at::Tensor first_parameter(const torch::nn::Module& module);

}  // namespace mentor
