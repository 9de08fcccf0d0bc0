#include "mentor/core/filesystem.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace mentor {
namespace {

std::string reason(int error) { return std::strerror(error); }

[[noreturn]] void fail_write(const fs::path& file, const std::string& why) {
  throw UserError(format(
      "{}: cannot write: {} (check the free space and the permissions of the folder)", file, why));
}

/// Removes the temporary file unless it was renamed into place.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target)
      : path_(target.string() + format(".{}.tmp", ::getpid())) {}
  ~TemporaryFile() {
    std::error_code ignored;
    if (!released_) fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }
  void release() { released_ = true; }

 private:
  fs::path path_;
  bool released_ = false;
};

/// fsync of a file or a folder; `named` is what the message calls it.
void sync_path(const fs::path& path, int flags, const fs::path& named) {
  const int fd = ::open(path.c_str(), O_RDONLY | flags);
  if (fd < 0) fail_write(named, reason(errno));
  const int failed = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  // Some file systems have no fsync for folders; the rename is all that can be had there.
  if (failed != 0 && !(flags & O_DIRECTORY)) fail_write(named, reason(error));
}

/// `named` is what the message calls it.
void create_parents(const fs::path& file, const fs::path& named) {
  if (!file.has_parent_path()) return;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail_write(named, error.message());
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

}  // namespace

FileWriter::FileWriter(const fs::path& path, fs::path named)
    : named_(std::move(named)), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666)) {
  if (fd_ < 0) fail_write(named_, reason(errno));
}

FileWriter::~FileWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void FileWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(named_, reason(errno));
    bytes.remove_prefix(static_cast<size_t>(n));
    position_ += static_cast<uint64_t>(n);
  }
}

void FileWriter::close() {
  if (::close(std::exchange(fd_, -1)) != 0) fail_write(named_, reason(errno));
}

std::string read_text(const fs::path& file) {
  std::error_code error;
  if (fs::is_directory(file, error)) throw DataError(format("{}: is a folder, not a file", file));
  std::ifstream in(file, std::ios::binary);
  if (!in) throw DataError(format("{}: cannot open: {}", file, reason(errno)));
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) throw DataError(format("{}: read error", file));
  return text;
}

void publish_file(const fs::path& file, const std::function<void(const fs::path&)>& fill) {
  create_parents(file, file);
  TemporaryFile temporary(file);
  fill(temporary.path());
  sync_path(temporary.path(), 0, file);
  std::error_code error;
  fs::rename(temporary.path(), file, error);
  if (error) fail_write(file, error.message());
  temporary.release();
  sync_path(folder_of(file), O_DIRECTORY, file);
}

void write_text(const fs::path& file, std::string_view text) {
  publish_file(file, [&](const fs::path& path) {
    FileWriter writer(path, file);
    writer.write(text);
    writer.close();
  });
}

void publish_directory(const fs::path& complete, const fs::path& folder) {
  sync_path(complete, O_DIRECTORY, folder);
  std::error_code error;
  if (fs::exists(folder, error)) remove_directory(folder);
  fs::rename(complete, folder, error);
  if (error) fail_write(folder, error.message());
  sync_path(folder_of(folder), O_DIRECTORY, folder);
}

void remove_directory(const fs::path& folder) {
  const fs::path doomed = folder.string() + ".removed.tmp";
  std::error_code error;
  fs::remove_all(doomed, error);
  fs::rename(folder, doomed, error);
  if (!error) fs::remove_all(doomed, error);
  if (error) throw UserError(format("{}: cannot remove: {}", folder, error.message()));
}

void require_writable_directory(const fs::path& dir) {
  std::error_code error;
  if (fs::exists(dir, error) && !fs::is_directory(dir, error)) {
    throw UserError(format("{}: is a file, where a folder is to be (choose another name)", dir));
  }
  const fs::path probe = dir / format(".mentor-{}", ::getpid());
  create_parents(probe, dir);
  FileWriter(probe, dir).close();
  std::error_code ignored;
  fs::remove(probe, ignored);
}

}  // namespace mentor
