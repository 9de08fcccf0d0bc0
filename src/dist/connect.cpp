#include "mentor/dist/connect.h"

#include "backend_communicator.h"
#include "mentor/core/format.h"
#include "peer_monitor.h"
#include "rendezvous.h"

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

namespace mentor {

c10::Device rank_gpu(const ProcessEnvironment& environment) {
#ifndef MENTOR_WITH_CUDA
  throw ConfigError(
      "NCCL needs GPUs, and this is a CPU build: set runtime.device=cpu (Gloo), or build with "
      "scripts/build.sh --cuda");
#endif
  const auto gpus = static_cast<int64_t>(at::getNumGPUs());
  if (gpus == 0) {
    throw ConfigError("NCCL needs GPUs, and none was found: set runtime.device=cpu (Gloo)");
  }
  // --gpus-per-task and the like
  const bool one_each = environment.launched_by == LaunchedBy::kSlurm && gpus == 1;
  if (!one_each && gpus < environment.local_world_size) {
    throw ConfigError(
        format("{} ranks on this machine, but {}: start as many ranks as GPUs "
               "(--nproc), or look at CUDA_VISIBLE_DEVICES",
               environment.local_world_size, gpus == 1 ? "1 GPU" : format("{} GPUs", gpus)));
  }
  const auto index = static_cast<c10::DeviceIndex>(one_each ? 0 : environment.local_rank);
  const c10::Device gpu(c10::kCUDA, index);
  // Otherwise whatever names no device would open a context on everybody's first GPU.
  c10::impl::VirtualGuardImpl(c10::kCUDA).setDevice(gpu);
  return gpu;
}

namespace {

BackendPtr make_backend(const BackendOptions& options) {
#ifdef MENTOR_WITH_CUDA
  if (options.device.is_cuda()) return make_nccl_backend(options);
#endif
  return make_gloo_backend(options);
}

/// What the communicators of a process share: the store, and who watches the other ranks.
class Meeting {
 public:
  Meeting(const ProcessEnvironment& environment, std::chrono::milliseconds timeout)
      : environment_(environment),
        timeout_(timeout),
        rendezvous_(meet(environment, timeout)),
        monitor_(std::make_shared<PeerMonitor>(rendezvous_, environment.rank, timeout)) {}

  [[nodiscard]] std::unique_ptr<Communicator> open(const char* name, c10::Device device) const {
    const BackendOptions options{
        .store = c10::make_intrusive<c10d::PrefixStore>(name, rendezvous_.backend_store),
        .rank = environment_.rank,
        .world_size = environment_.world_size,
        .device = device,
        .address = rendezvous_.address,
        .timeout = timeout_};
    BackendPtr backend;
    try {
      backend = make_backend(options);
    } catch (const std::exception& error) {
      monitor_->explain(error.what());
    }
    return backend_communicator(std::move(backend), monitor_, environment_.local_rank, device);
  }

 private:
  const ProcessEnvironment& environment_;
  std::chrono::milliseconds timeout_;
  Rendezvous rendezvous_;
  std::shared_ptr<PeerMonitor> monitor_;
};

}  // namespace

std::unique_ptr<Communicator> connect(const ProcessEnvironment& environment, c10::Device device,
                                      std::chrono::milliseconds timeout) {
  if (environment.world_size == 1) return solo_communicator();
  if (!device.is_cpu()) static_cast<void>(rank_gpu(environment));  // says what is missing
  return Meeting(environment, timeout).open("device", device);
}

Ranks connect_with_host(const ProcessEnvironment& environment, c10::Device device,
                        std::chrono::milliseconds timeout) {
  if (environment.world_size == 1) return {solo_communicator(), solo_communicator()};
  if (!device.is_cpu()) static_cast<void>(rank_gpu(environment));
  const Meeting meeting(environment, timeout);
  Ranks ranks;
  ranks.device = meeting.open("device", device);
  ranks.host = meeting.open("host", c10::kCPU);
  return ranks;
}

}  // namespace mentor
