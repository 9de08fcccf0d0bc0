#include "backend_communicator.h"

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>

namespace mentor {
namespace {

/// The monitor ends a process whose operations do not end, and says why; NCCL's own watchdog, which
/// aborts with a stack trace, only comes after it.
constexpr std::chrono::minutes kAfterTheMonitor(5);

}  // namespace

BackendPtr make_nccl_backend(const BackendOptions& options) {
  constexpr int kKeepTheUsers = 0;
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", kKeepTheUsers);
  ::setenv("TORCH_NCCL_RETHROW_CUDA_ERRORS", "0", kKeepTheUsers);
  const auto nccl = c10d::ProcessGroupNCCL::Options::create(/*is_high_priority_stream=*/true);
  nccl->timeout = options.timeout + kAfterTheMonitor;
  const auto backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(
      options.store, static_cast<int>(options.rank), static_cast<int>(options.world_size), nccl);
  backend->setBoundDeviceId(options.device);
  backend->eagerConnectSingleDevice(options.device);
  return backend;
}

}  // namespace mentor
