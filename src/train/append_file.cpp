#include "append_file.h"

#include "mentor/core/log.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace mentor {
namespace {

constexpr size_t kMostPending = size_t{64} << 20;

}  // namespace

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

void AppendFile::append(std::string_view bytes) {
  if (pending_.size() < kMostPending) {
    pending_ += bytes;
  } else {
    ++lost_;
  }
  if (write_pending()) {
    pending_.clear();
    if (failing_) log::warn("{}: can be written again, {} entries were lost", path_, lost_);
    failing_ = false;
    lost_ = 0;
  } else if (!failing_) {
    failing_ = true;
    log::error(
        "{}: cannot write: {}. Training goes on, and what belongs there waits in memory: make room",
        path_, std::strerror(errno));
  }
}

bool AppendFile::write_pending() {
  if (fd_ < 0) fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) return false;
  const off_t whole = ::lseek(fd_, 0, SEEK_END);
  for (std::string_view rest = pending_; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      // Half of an append would make the file unreadable; should this fail too, readers drop it.
      if (::ftruncate(fd_, whole) != 0) log::debug("{}: cannot be cut back", path_);
      errno = error;
      return false;
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace mentor
