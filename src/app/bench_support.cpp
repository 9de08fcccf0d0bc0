#include "bench_support.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/kernels/cpu_kernels.h"
#include "mentor/tensor/memory.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mentor {

double milliseconds_since(BenchClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(BenchClock::now() - begin).count();
}

BenchFigure time_runs(const std::string& name, int64_t runs, const std::function<void()>& work) {
  work();
  BenchFigure figure{.name = name, .samples = {}};
  for (int64_t run = 0; run < runs; ++run) {
    throw_if_interrupted();
    const auto begin = BenchClock::now();
    work();
    figure.samples.push_back(milliseconds_since(begin));
  }
  return figure;
}

double peak_memory_mib(const Runtime& runtime) { return peak_memory(runtime.device) / (1 << 20); }

int64_t prompt_length(const BenchOptions& options, const LlamaGenConfig& decoder) {
  constexpr int64_t kUsual = 320;
  if (options.prompt_tokens > decoder.cond_len) {
    throw ConfigError(format("--prompt-tokens: {} are more than model.decoder.cond_len {}",
                             options.prompt_tokens, decoder.cond_len));
  }
  return options.prompt_tokens > 0 ? options.prompt_tokens : std::min(kUsual, decoder.cond_len);
}

BenchResult start_result(const std::string& what, const RunConfig& config, const Runtime& runtime) {
  return {.what = what,
          .settings = {{"preset", config.model.preset},
                       {"runtime", runtime.string()},
                       {"kernels", cpu_kernels().name}},
          .figures = {}};
}

at::Tensor random_like(const at::Tensor& weight, at::IntArrayRef sizes) {
  return at::randn(sizes).to(weight.device(), weight.scalar_type());
}

at::Tensor first_parameter(const torch::nn::Module& module) { return module.parameters().front(); }

}  // namespace mentor
