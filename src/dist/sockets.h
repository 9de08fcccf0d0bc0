#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mentor {

/// A socket that listens on every address of this machine, and its port.
struct ListeningSocket {
  int fd = -1;
  uint16_t port = 0;
};

/// port 0: a free one. Throws a UserError ("port 29500 is in use ...") when it cannot be had.
[[nodiscard]] ListeningSocket listen_on(uint16_t port);

/// Returns once something accepts connections at host:port; throws a UserError naming it and the
/// last reason when nothing does within `timeout`. `cure` ends the message.
void wait_for_server(const std::string& host, uint16_t port, std::chrono::milliseconds timeout,
                     const std::string& cure);

/// The address of this machine that packets to `host` leave from; "" when there is no way there.
[[nodiscard]] std::string address_towards(const std::string& host);
[[nodiscard]] bool is_loopback(const std::string& address);

}  // namespace mentor
