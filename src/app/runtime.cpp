#include "mentor/app/runtime.h"

#include "mentor/core/cpu_features.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

namespace mentor {
namespace {

c10::Device choose_device(const std::string& wanted) {
  if (wanted == "cpu") return c10::kCPU;
  const bool has_cuda = at::hasCUDA();
  if (wanted == "cuda" && !has_cuda) {
    throw ConfigError(
        "runtime.device: cuda is not available: no GPU was found, or this is a CPU build (use cpu "
        "or auto, or build with scripts/build.sh --cuda)");
  }
  std::error_code ignored;
  if (!has_cuda && wanted == "auto" && fs::exists("/dev/nvidiactl", ignored)) {
    log::warn(
        "an NVIDIA driver is here, but this is a CPU build or the driver is older than 580: "
        "computing on the CPU (build with scripts/build.sh --cuda; runtime.device=cpu says that "
        "this is meant)");
  }
  return has_cuda ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
}

c10::ScalarType choose_dtype(const std::string& wanted, const c10::Device& device) {
  if (wanted == "fp32") return c10::kFloat;
  if (wanted == "bf16") return c10::kBFloat16;
  // LibTorch 2.11 supports no GPU older than Turing, whose bf16 is emulated but works.
  return device.is_cuda() || cpu_features().has_bf16() ? c10::kBFloat16 : c10::kFloat;
}

}  // namespace

std::string Runtime::string() const {
  return format("{}, {} threads, {}", device.str(), threads,
                dtype == c10::kBFloat16 ? "bf16" : "fp32");
}

Runtime start_runtime(const RuntimeConfig& config) {
  Runtime runtime;
  runtime.device = choose_device(config.device);
  runtime.dtype = choose_dtype(config.dtype, runtime.device);
  runtime.threads = config.cpu_threads();
  at::set_num_threads(runtime.threads);
  // Operators run one after another; a second pool would only compete for the cores. Setting it
  // twice in a process is an error of LibTorch's.
  if (at::get_num_interop_threads() != 1) at::set_num_interop_threads(1);
  return runtime;
}

void show_rank_in_log(const ProcessEnvironment& environment) {
  using log::Level;
  Level level = Level::kError;
  for (const Level shown : {Level::kWarn, Level::kInfo, Level::kDebug}) {
    if (log::shows(shown)) level = shown;
  }
  log::configure(level, static_cast<int>(environment.rank),
                 static_cast<int>(environment.world_size));
}

}  // namespace mentor
