#include "sockets.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/host.h"
#include "mentor/core/interrupt.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace mentor {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;
using Clock = std::chrono::steady_clock;

constexpr auto kRetryInterval = std::chrono::milliseconds(100);
constexpr auto kLongestAttempt = std::chrono::milliseconds(2000);

/// Empty, with the reason in `why`, when the name is not known.
Addresses resolve(const std::string& host, uint16_t port, int type, std::string& why) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = type;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), format("{}", port).c_str(), &wanted, &found);
  if (error != 0) why = ::gai_strerror(error);
  return {found, &::freeaddrinfo};
}

/// Closes it on the way out.
class Socket {
 public:
  Socket(int family, int type) : fd_(::socket(family, type | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

bool try_connect(const addrinfo& address, std::chrono::milliseconds limit, std::string& why) {
  const Socket socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK);
  int error = 0;
  if (::connect(socket.fd(), address.ai_addr, address.ai_addrlen) != 0) error = errno;
  if (error == EINPROGRESS) {
    pollfd poller{.fd = socket.fd(), .events = POLLOUT};
    const int ready = ::poll(&poller, 1, static_cast<int>(limit.count()));
    socklen_t size = sizeof(error);
    error = ETIMEDOUT;
    if (ready > 0) ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) why = std::strerror(error);
  return error == 0;
}

bool try_server(const std::string& host, uint16_t port, std::chrono::milliseconds limit,
                std::string& why) {
  const Addresses addresses = resolve(host, port, SOCK_STREAM, why);
  for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
    if (try_connect(*address, limit, why)) return true;
  }
  return false;
}

int listen_with(int family, uint16_t port) {
  Socket socket(family, SOCK_STREAM);
  if (socket.fd() < 0) return -1;
  const int yes = 1;
  const int no = 0;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_in);
  if (family == AF_INET6) {
    ::setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));  // IPv4 as well
    size = sizeof(sockaddr_in6);
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  }
  storage.ss_family = static_cast<sa_family_t>(family);
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return -1;
  return ::listen(socket.fd(), SOMAXCONN) == 0 ? socket.release() : -1;
}

}  // namespace

ListeningSocket listen_on(uint16_t port) {
  int fd = listen_with(AF_INET6, port);
  if (fd < 0 && errno != EADDRINUSE && errno != EACCES) fd = listen_with(AF_INET, port);
  if (fd < 0 && errno == EADDRINUSE) {
    throw UserError(
        format("port in use: another program or run has {}:{}; choose another port with --master "
               "HOST:PORT or MASTER_PORT",
               host_name(), port));
  }
  if (fd < 0) {
    throw UserError(
        format("{}:{}: cannot listen there ({}); choose another port with --master "
               "HOST:PORT or MASTER_PORT",
               host_name(), port, std::strerror(errno)));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  // The port lies at the same place for both families.
  return {.fd = fd, .port = ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port)};
}

void wait_for_server(const std::string& host, uint16_t port, std::chrono::milliseconds timeout,
                     const std::string& cure) {
  const Clock::time_point deadline = Clock::now() + timeout;
  std::string why;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    const auto limit = std::clamp(left, std::chrono::milliseconds(1), kLongestAttempt);
    if (try_server(host, port, limit, why)) return;
    throw_if_interrupted();
    if (Clock::now() + kRetryInterval >= deadline) break;
    std::this_thread::sleep_for(kRetryInterval);
  }
  throw UserError(format("{}:{}: the master cannot be reached for {} s ({}); {}", host, port,
                         std::chrono::duration<double>(timeout).count(), why, cure));
}

std::string address_towards(const std::string& host) {
  constexpr uint16_t kAnyPort = 9;  // connecting a datagram socket sends nothing
  std::string why;
  const Addresses addresses = resolve(host, kAnyPort, SOCK_DGRAM, why);
  for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
    const Socket socket(address->ai_family, SOCK_DGRAM);
    sockaddr_storage own{};
    socklen_t size = sizeof(own);
    char text[NI_MAXHOST];
    if (::connect(socket.fd(), address->ai_addr, address->ai_addrlen) == 0 &&
        ::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
        ::getnameinfo(reinterpret_cast<const sockaddr*>(&own), size, text, sizeof(text), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      return text;
    }
  }
  return "";
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace mentor
