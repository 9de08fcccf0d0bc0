#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mentor {

struct HttpOptions {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  double timeout = 120;              // seconds
  int64_t connections = 16;
  bool get = false;  // GET, without bodies
};

/// How a request ended.
struct HttpReply {
  uint64_t tag = 0;
  int64_t status = 0;  // 0: no answer came
  std::string body;
  std::string error;       // why no answer came
  bool no_server = false;  // the host, its port or its certificate: nothing was sent
  double retry_after = 0;  // what the server asks for, in seconds
  double seconds = 0;
};

/// Many requests, POST ones as a rule, to one address at the same time, on the thread that calls.
class HttpPosts {
 public:
  explicit HttpPosts(const HttpOptions& options);
  ~HttpPosts();
  HttpPosts(const HttpPosts&) = delete;
  HttpPosts& operator=(const HttpPosts&) = delete;

  void start(uint64_t tag, std::string body);
  [[nodiscard]] int64_t in_flight() const;
  /// Those that ended; waits for the first one, at most `seconds`, 0: not at all.
  [[nodiscard]] std::vector<HttpReply> wait(double seconds);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "api.openai.com" of an address; "" when it is none.
[[nodiscard]] std::string url_host(const std::string& url);

}  // namespace mentor
