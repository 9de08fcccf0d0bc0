#pragma once

#include "mentor/app/run_config.h"
#include "mentor/dist/process_environment.h"

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

namespace mentor {

/// The device, precision and threads that `auto` came to on this machine.
struct Runtime {
  c10::Device device{c10::kCPU};
  c10::ScalarType dtype = c10::kFloat;
  int threads = 1;

  /// "cpu, 2 threads, bf16": for the log and the records beside outputs.
  [[nodiscard]] std::string string() const;
};

/// Decides what `auto` means here and sets LibTorch's thread counts. Throws ConfigError when a
/// device is asked for that this build or machine does not have.
Runtime start_runtime(const RuntimeConfig& config);

/// From here on only rank 0 logs what goes well, and the others name themselves.
void show_rank_in_log(const ProcessEnvironment& environment);

}  // namespace mentor
