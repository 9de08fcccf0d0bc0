#include "judge_http.h"

#include "mentor/core/format.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>

namespace mentor {
namespace {

constexpr size_t kLargestBody = size_t{16} << 20;
constexpr double kConnectSeconds = 20;

struct Transfer {
  uint64_t tag = 0;
  std::string request, response;
  std::array<char, CURL_ERROR_SIZE> error{};
};

size_t receive(const char* bytes, size_t size, size_t count, void* transfer) {
  std::string& response = static_cast<Transfer*>(transfer)->response;
  if (response.size() + size * count > kLargestBody) return 0;  // curl ends the transfer
  response.append(bytes, size * count);
  return size * count;
}

/// Failures that repeating does not cure as long as nothing else has worked.
bool is_no_server(CURLcode code) {
  constexpr std::array kCodes = {CURLE_UNSUPPORTED_PROTOCOL,     CURLE_URL_MALFORMAT,
                                 CURLE_COULDNT_RESOLVE_PROXY,    CURLE_COULDNT_RESOLVE_HOST,
                                 CURLE_COULDNT_CONNECT,          CURLE_SSL_CONNECT_ERROR,
                                 CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

struct UrlHandle {
  CURLU* handle = curl_url();
  ~UrlHandle() { curl_url_cleanup(handle); }
};

}  // namespace

struct HttpPosts::State {
  HttpOptions options;
  CURLM* multi = nullptr;
  curl_slist* headers = nullptr;
  std::vector<CURL*> idle;  // handles are used again, and with them their settings
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> active;

  ~State() {
    for (const auto& [handle, transfer] : active) {
      curl_multi_remove_handle(multi, handle);
      curl_easy_cleanup(handle);
    }
    for (CURL* handle : idle) curl_easy_cleanup(handle);
    curl_slist_free_all(headers);
    curl_multi_cleanup(multi);
  }

  CURL* new_handle() const {
    CURL* handle = curl_easy_init();
    if (handle == nullptr) throw std::runtime_error("curl_easy_init failed");
    curl_easy_setopt(handle, CURLOPT_URL, options.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "mentor");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout * 1000));
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min(options.timeout, kConnectSeconds) * 1000));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
    return handle;
  }

  HttpReply finish(CURL* handle, CURLcode code) {
    const std::unique_ptr<Transfer> transfer = std::move(active.at(handle));
    active.erase(handle);
    HttpReply reply{.tag = transfer->tag};
    curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME, &reply.seconds);
    if (code == CURLE_OK) {
      long status = 0;
      curl_off_t retry_after = 0;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);
      reply.status = status;
      reply.retry_after = static_cast<double>(retry_after);
      reply.body = std::move(transfer->response);
    } else {
      reply.no_server = is_no_server(code);
      reply.error = transfer->error[0] != '\0' ? transfer->error.data() : curl_easy_strerror(code);
    }
    curl_multi_remove_handle(multi, handle);
    // The handle outlives the transfer: nothing in it may point there.
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, nullptr);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
    if (!options.get) curl_easy_setopt(handle, CURLOPT_POSTFIELDS, nullptr);
    idle.push_back(handle);
    return reply;
  }
};

HttpPosts::HttpPosts(const HttpOptions& options) : state_(std::make_unique<State>()) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) throw std::runtime_error(curl_easy_strerror(initialised));
  State& s = *state_;
  s.options = options;
  s.multi = curl_multi_init();
  if (s.multi == nullptr) throw std::runtime_error("curl_multi_init failed");
  curl_multi_setopt(s.multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections));
  s.headers = curl_slist_append(s.headers, "Content-Type: application/json");
  s.headers = curl_slist_append(s.headers, "Expect:");  // no round trip before the body
  for (const std::string& header : options.headers) {
    s.headers = curl_slist_append(s.headers, header.c_str());
  }
}

HttpPosts::~HttpPosts() = default;

int64_t HttpPosts::in_flight() const { return static_cast<int64_t>(state_->active.size()); }

void HttpPosts::start(uint64_t tag, std::string body) {
  State& s = *state_;
  if (s.idle.empty()) s.idle.push_back(s.new_handle());
  CURL* handle = s.idle.back();
  s.idle.pop_back();
  auto transfer = std::make_unique<Transfer>();
  transfer->tag = tag;
  transfer->request = std::move(body);
  if (!s.options.get) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, transfer->request.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(transfer->request.size()));
  }
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer->error.data());
  s.active.emplace(handle, std::move(transfer));
  curl_multi_add_handle(s.multi, handle);
}

std::vector<HttpReply> HttpPosts::wait(double seconds) {
  State& s = *state_;
  std::vector<HttpReply> replies;
  for (const bool waits : {false, true}) {
    if (waits && seconds <= 0) break;
    const int milliseconds = std::max(1, static_cast<int>(seconds * 1000));
    if (waits) curl_multi_poll(s.multi, nullptr, 0, milliseconds, nullptr);
    int running = 0, queued = 0;
    const CURLMcode code = curl_multi_perform(s.multi, &running);
    if (code != CURLM_OK) throw std::runtime_error(curl_multi_strerror(code));
    while (const CURLMsg* message = curl_multi_info_read(s.multi, &queued)) {
      if (message->msg != CURLMSG_DONE) continue;
      replies.push_back(s.finish(message->easy_handle, message->data.result));
    }
    if (!replies.empty()) break;
  }
  return replies;
}

std::string url_host(const std::string& url) {
  const UrlHandle parsed;
  char* host = nullptr;
  if (curl_url_set(parsed.handle, CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.handle, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
    return "";
  }
  std::string text = host;
  curl_free(host);
  return text;
}

}  // namespace mentor
