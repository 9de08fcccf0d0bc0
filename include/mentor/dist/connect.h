#pragma once

#include "mentor/dist/communicator.h"
#include "mentor/dist/process_environment.h"

#include <c10/core/Device.h>

#include <chrono>
#include <memory>

namespace mentor {

/// The GPU of this rank, one per rank of a machine: the local_rank-th, or the only one where Slurm
/// shows each task its own; from now on the current one. ConfigError when there is none or fewer
/// than ranks.
[[nodiscard]] c10::Device rank_gpu(const ProcessEnvironment& environment);

/// Joins the other processes of the run: Gloo for a CPU device, NCCL for a GPU; the solo
/// communicator for a world of one. `timeout` bounds the wait for the others here, and later how
/// long one rank may keep another waiting in an operation. Throws a UserError: port in use, master
/// unreachable, ranks that did not come (their numbers), no GPU, two runs on one port.
[[nodiscard]] std::unique_ptr<Communicator> connect(const ProcessEnvironment& environment,
                                                    c10::Device device,
                                                    std::chrono::milliseconds timeout);

/// The processes of a run, by two ways that share one meeting: a failure is told on both.
struct Ranks {
  std::unique_ptr<Communicator> device;  // for tensors where the model is
  std::unique_ptr<Communicator> host;    // for counts and barriers, which need not wait for a GPU
};

/// As connect(), which can only be called once in a run.
[[nodiscard]] Ranks connect_with_host(const ProcessEnvironment& environment, c10::Device device,
                                      std::chrono::milliseconds timeout);

}  // namespace mentor
