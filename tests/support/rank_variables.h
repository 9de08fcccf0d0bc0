#pragma once

#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace mentor {

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

}  // namespace mentor
