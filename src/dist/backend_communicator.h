#pragma once

#include "mentor/dist/communicator.h"
#include "peer_monitor.h"

#include <c10/core/Device.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include <chrono>
#include <memory>

namespace mentor {

using BackendPtr = c10::intrusive_ptr<c10d::Backend>;

struct BackendOptions {
  c10::intrusive_ptr<c10d::Store> store;
  int64_t rank = 0;
  int64_t world_size = 1;
  c10::Device device{c10::kCPU};
  std::string address;  // where other ranks connect to this one
  std::chrono::milliseconds timeout{};
};

[[nodiscard]] BackendPtr make_gloo_backend(const BackendOptions& options);
/// Only in builds with CUDA.
[[nodiscard]] BackendPtr make_nccl_backend(const BackendOptions& options);

/// One communicator for every backend of c10d. Those of a process share the monitor.
[[nodiscard]] std::unique_ptr<Communicator> backend_communicator(
    BackendPtr backend, std::shared_ptr<PeerMonitor> monitor, int64_t local_rank,
    c10::Device device);

}  // namespace mentor
