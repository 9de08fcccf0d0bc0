#include "mentor/dist/connect.h"

#include "backend_communicator.h"
#include "mentor/core/format.h"
#include "peer_monitor.h"
#include "rendezvous.h"

#include <ATen/Context.h>

namespace mentor {

c10::Device rank_gpu(const ProcessEnvironment& environment) {
#ifndef MENTOR_WITH_CUDA
  throw ConfigError(
      "NCCL needs GPUs, and this is a CPU build: set runtime.device=cpu (Gloo), or build with "
      "-DMENTOR_WITH_CUDA=ON");
#endif
  const auto gpus = static_cast<int64_t>(at::getNumGPUs());
  if (gpus == 0) {
    throw ConfigError("NCCL needs GPUs, and none was found: set runtime.device=cpu (Gloo)");
  }
  const bool one_each = environment.launched_by == LaunchedBy::kSlurm && gpus == 1;
  if (one_each) return {c10::kCUDA, 0};  // --gpus-per-task and the like
  if (gpus < environment.local_world_size) {
    throw ConfigError(
        format("{} ranks on this machine, but {}: start as many ranks as GPUs "
               "(--nproc), or look at CUDA_VISIBLE_DEVICES",
               environment.local_world_size, gpus == 1 ? "1 GPU" : format("{} GPUs", gpus)));
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(environment.local_rank)};
}

std::unique_ptr<Communicator> connect(const ProcessEnvironment& environment, c10::Device device,
                                      std::chrono::milliseconds timeout) {
  if (environment.world_size == 1) return solo_communicator();
  if (!device.is_cpu()) static_cast<void>(rank_gpu(environment));  // says what is missing
  const Rendezvous rendezvous = meet(environment, timeout);
  auto monitor = std::make_unique<PeerMonitor>(rendezvous, environment.rank, timeout);
  const BackendOptions options{.store = rendezvous.backend_store,
                               .rank = environment.rank,
                               .world_size = environment.world_size,
                               .device = device,
                               .address = rendezvous.address,
                               .timeout = timeout};
  BackendPtr backend;
  try {
#ifdef MENTOR_WITH_CUDA
    backend = device.is_cuda() ? make_nccl_backend(options) : make_gloo_backend(options);
#else
    backend = make_gloo_backend(options);
#endif
  } catch (const std::exception& error) {
    monitor->explain(error.what());
  }
  return backend_communicator(std::move(backend), std::move(monitor), environment.local_rank,
                              device);
}

}  // namespace mentor
