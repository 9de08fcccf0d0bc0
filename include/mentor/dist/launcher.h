#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// The processes to start on this machine.
struct LaunchOptions {
  int64_t num_processes = 1;
  int64_t num_nodes = 1;
  int64_t node_rank = 0;
  std::string master;                            // HOST:PORT; on one node may be empty: a free port
  std::optional<std::filesystem::path> log_dir;  // for rank_000.log, ...
  int64_t threads = 0;                           // CPU threads of each; 0: the cores shared
  std::vector<std::string> command;              // arguments for this same program
  std::chrono::seconds grace{10};                // from SIGTERM to SIGKILL, after a failure
};

/// Runs this program as several ranks, with torchrun's variables set, and waits for all of them.
///
/// Rank 0's output is passed on as it is, each line of the others after "[rank 3] "; with a log_dir
/// every rank's goes to a file instead, rank 0's to both. When a rank fails the others get SIGTERM,
/// after a grace SIGKILL, and what the first failing rank said comes last. SIGINT, SIGTERM and
/// SIGHUP go on to the ranks, which may take the time they need to save. If this process is killed,
/// the kernel kills the ranks.
///
/// Returns the exit code of the first failing rank, 128 + the signal that ended it, or 0. Throws
/// ConfigError for options that do not fit together.
[[nodiscard]] int launch(const LaunchOptions& options);

/// First in main(): a process started by launch() ends when the launcher does, whatever ends it.
void end_with_launcher();

}  // namespace mentor
