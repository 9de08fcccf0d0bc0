#include "line_store.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace mentor {

struct LineStore::State {
  using Clock = std::chrono::steady_clock;

  fs::path file;
  int fd = -1;
  std::string text;
  Clock::time_point synced = Clock::now();

  ~State() {
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
  }

  [[noreturn]] void fail() const {
    throw UserError(
        format("{}: cannot write: {} (check the free space and the permissions of the folder)",
               file, std::strerror(errno)));
  }
};

LineStore::LineStore(fs::path file, std::string_view in_use) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.file = std::move(file);
  require_writable_directory(s.file.has_parent_path() ? s.file.parent_path() : fs::path("."));
  s.fd = ::open(s.file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (s.fd < 0) s.fail();
  if (::flock(s.fd, LOCK_EX | LOCK_NB) != 0) {
    throw UserError(format("{}: {}", s.file, in_use));
  }
  s.text = read_text(s.file);
  const size_t whole = s.text.rfind('\n') + 1;  // npos + 1 is 0
  if (whole < s.text.size() && ::ftruncate(s.fd, static_cast<off_t>(whole)) != 0) s.fail();
  s.text.resize(whole);
}

LineStore::~LineStore() = default;

const std::string& LineStore::text() const { return state_->text; }

void LineStore::append(std::string_view line) {
  State& s = *state_;
  const off_t whole = ::lseek(s.fd, 0, SEEK_END);
  const ssize_t written = ::write(s.fd, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    if (written >= 0) errno = ENOSPC;
    const int reason = errno;
    // Should this fail too: readers ignore half a line, and the next start cuts it off.
    if (::ftruncate(s.fd, whole) == 0) ::fsync(s.fd);
    errno = reason;
    s.fail();
  }
  const auto now = State::Clock::now();
  if (now - s.synced < std::chrono::seconds(1)) return;
  s.synced = now;
  if (::fsync(s.fd) != 0) s.fail();
}

void LineStore::clear() {
  if (::ftruncate(state_->fd, 0) != 0) state_->fail();
}

}  // namespace mentor
