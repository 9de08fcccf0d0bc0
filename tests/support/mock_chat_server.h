#pragma once

#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mentor {

struct MockRequest {
  std::string head;  // request line and headers
  std::string body;

  /// The text of the last turn; "" for a question on CP, which has none.
  [[nodiscard]] std::string caption() const {
    const nlohmann::json json = nlohmann::json::parse(body);
    for (const auto& part : json.at("messages").back().at("content")) {
      if (part.at("type") == "text") return part.at("text");
    }
    return "";
  }
};

struct MockReply {
  int status = 200;
  std::string body;
  std::string headers;   // each with \r\n behind
  double delay = 0;      // seconds
  bool hang_up = false;  // close the connection instead
};

/// The answer of a chat server that worked.
inline MockReply chat_reply(const std::string& text, int64_t input_tokens = 1000,
                            int64_t output_tokens = 10) {
  const nlohmann::json body = {
      {"id", "chatcmpl-1"},
      {"system_fingerprint", "fp_1"},
      {"choices", {{{"message", {{"content", text}}}, {"finish_reason", "stop"}}}},
      {"usage", {{"prompt_tokens", input_tokens}, {"completion_tokens", output_tokens}}}};
  return {.body = body.dump()};
}

/// A chat server that answers as a script says. One thread for each connection.
class MockChatServer {
 public:
  /// Called for one request at a time, with its number: 0, 1, ...
  using Script = std::function<MockReply(const MockRequest& request, int64_t number)>;

  /// Without `keep`, requests() stays empty: thousands of them are large.
  explicit MockChatServer(Script script, bool keep = true)
      : script_(std::move(script)), keep_(keep) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("the mock server cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~MockChatServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    for (const int connection : connections_) ::close(connection);
    ::close(listener_);
  }
  MockChatServer(const MockChatServer&) = delete;
  MockChatServer& operator=(const MockChatServer&) = delete;

  [[nodiscard]] std::string url(const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_) + "/v1";
  }
  /// What GET /models answers, which is not counted; before: that there is no such page.
  void set_models(MockReply models) {
    const std::lock_guard lock(mutex_);
    models_ = std::move(models);
  }
  [[nodiscard]] std::vector<MockRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  [[nodiscard]] int64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  void accept_all() {
    for (;;) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      const int on = 1;
      ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::lock_guard lock(mutex_);
      connections_.push_back(connection);
      threads_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string received;
    for (MockRequest request; receive(connection, received, request);) {
      MockReply reply;
      {
        const std::lock_guard lock(mutex_);
        if (request.head.starts_with("GET /v1/models ")) {
          reply = models_;
        } else {
          if (keep_) requests_.push_back(request);
          reply = script_(request, count_++);
        }
      }
      std::this_thread::sleep_for(std::chrono::duration<double>(reply.delay));
      if (reply.hang_up) break;
      send(connection, "HTTP/1.1 " + std::to_string(reply.status) +
                           " Mock\r\nContent-Length: " + std::to_string(reply.body.size()) +
                           "\r\n" + reply.headers + "\r\n" + reply.body);
    }
    ::shutdown(connection, SHUT_RDWR);
  }

  static void send(int connection, const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(connection, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return;
      at += static_cast<size_t>(n);
    }
  }

  /// The next request of a connection; false at its end.
  static bool receive(int connection, std::string& received, MockRequest& request) {
    size_t head = std::string::npos, length = 0;
    for (;;) {
      if (head == std::string::npos && (head = received.find("\r\n\r\n")) != std::string::npos) {
        const size_t at = received.find("Content-Length: ");
        length = at < head ? std::stoul(received.substr(at + 16)) : 0;
        head += 4;
      }
      if (head != std::string::npos && received.size() >= head + length) break;
      char bytes[1 << 16];
      const ssize_t n = ::recv(connection, bytes, sizeof bytes, 0);
      if (n <= 0) return false;
      received.append(bytes, static_cast<size_t>(n));
      if (received.front() == '\x16') return false;  // TLS, which is not spoken here
    }
    request = {.head = received.substr(0, head), .body = received.substr(head, length)};
    received.erase(0, head + length);
    return true;
  }

  Script script_;
  MockReply models_ = {.status = 404, .body = "no such page"};
  bool keep_;
  int64_t count_ = 0;
  int listener_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  mutable std::mutex mutex_;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::vector<MockRequest> requests_;
};

}  // namespace mentor
