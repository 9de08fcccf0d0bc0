#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace mentor {

/// Who started this process as one of many.
enum class LaunchedBy { kNobody, kTorchrun, kSlurm };  // `mentor launch` sets torchrun's variables

/// Which of the processes of a run this one is, and where they meet.
struct ProcessEnvironment {
  LaunchedBy launched_by = LaunchedBy::kNobody;
  int64_t rank = 0;
  int64_t world_size = 1;
  int64_t local_rank = 0;  // among the processes of this machine
  int64_t local_world_size = 1;
  std::string master_address;  // host of rank 0, empty for one process alone
  uint16_t master_port = 0;
  /// A socket inherited from `mentor launch` that already listens on master_port (rank 0 only).
  std::optional<int> listening_socket;
  /// Whether torchrun's agent serves the store at master_address; otherwise rank 0 does.
  bool agent_serves_store = false;
  /// Keeps restarts under torchrun apart, which share one store.
  std::string store_prefix;

  /// "gpu-3:29500".
  [[nodiscard]] std::string master() const;
};

/// Value of a variable, or nullptr: getenv() or a table of a test.
using ReadVariable = std::function<const char*(const char* name)>;

/// From torchrun's variables, else from those of Slurm's srun, else one process alone. Throws
/// ConfigError naming the variable that is missing, no number, or contradicts another one.
[[nodiscard]] ProcessEnvironment read_process_environment();
[[nodiscard]] ProcessEnvironment read_process_environment(const ReadVariable& read);

/// CPU threads for one process: MENTOR_THREADS where `mentor launch` or the user set it, otherwise
/// the physical cores that it may run on, shared with the other ranks of torchrun, or as many of
/// them as Slurm gives to a task. At least 1.
[[nodiscard]] int default_threads();
[[nodiscard]] int default_threads(const ReadVariable& read, int cores);

}  // namespace mentor
