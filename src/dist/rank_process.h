#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mentor {

struct RankProcessOptions {
  std::vector<std::string> command;                            // argv[1] and on
  std::vector<std::pair<std::string, std::string>> variables;  // "" takes one out
  int listening_socket = -1;                                   // handed down as kInheritedSocket
};

constexpr int kInheritedSocket = 3;

/// This same program, running as one rank in a process group of its own: what is typed at the
/// terminal reaches it through the launcher only, so once.
struct RankProcess {
  pid_t pid = -1;
  int out = -1;  // what it prints; nonblocking
  int err = -1;
  std::optional<int> exit_code;  // 128 + the signal that ended it
  int signal = 0;                // that signal
};

/// Throws UserError when the process cannot be started.
[[nodiscard]] RankProcess start_rank(const RankProcessOptions& options);

}  // namespace mentor
