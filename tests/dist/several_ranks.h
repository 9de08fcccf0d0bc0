#pragma once

#include "support/run_program.h"

#include <chrono>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace mentor {

/// Whether `condition` comes true within 30 s.
inline bool comes_true(const std::function<bool()>& condition) {
  for (int tries = 0; tries < 3000; ++tries) {
    if (condition()) return true;
    ::usleep(10'000);
  }
  return false;
}

/// A port that nobody listens on yet, kept from others as long as this object lives.
class FreePort {
 public:
  FreePort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    socklen_t size = sizeof(address);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    number_ = ntohs(address.sin_port);
  }
  ~FreePort() { ::close(fd_); }
  FreePort(const FreePort&) = delete;
  FreePort& operator=(const FreePort&) = delete;

  [[nodiscard]] int number() const { return number_; }
  void listen() const { ::listen(fd_, 1); }

 private:
  int fd_;
  int number_ = 0;
};

/// What torchrun would tell one of `world` processes on this machine.
inline std::vector<std::string> rank_variables(int rank, int world, int port) {
  const std::string number = std::to_string(rank);
  const std::string size = std::to_string(world);
  return {"RANK=" + number,        "WORLD_SIZE=" + size,
          "LOCAL_RANK=" + number,  "LOCAL_WORLD_SIZE=" + size,
          "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + std::to_string(port)};
}

/// All ranks of a run of dist_rank (rank_main.cpp) that plays a scenario.
class SeveralRanks {
 public:
  SeveralRanks(int world, const std::string& scenario, const std::string& timeout = "20000") {
    for (int rank = 0; rank < world; ++rank) {
      programs_.push_back(std::make_unique<StartedProgram>(
          std::vector<std::string>{DIST_RANK, scenario, timeout},
          ProgramStart{.environment = rank_variables(rank, world, port_.number())}));
      pids_.push_back(programs_.back()->pid());
    }
  }

  [[nodiscard]] pid_t pid(int rank) const { return pids_[static_cast<size_t>(rank)]; }
  ProgramResult wait(int rank) { return programs_[static_cast<size_t>(rank)]->wait(); }
  /// Since they were started.
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  FreePort port_;
  std::vector<std::unique_ptr<StartedProgram>> programs_;
  std::vector<pid_t> pids_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace mentor
