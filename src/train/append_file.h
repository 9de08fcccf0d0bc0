#pragma once

#include "mentor/core/filesystem.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mentor {

/// A file that only grows, and whose failures must not stop a training run: what cannot be written
/// (full disk, lost mount) is said loudly once and kept in memory, up to 64 MiB, until a later
/// append() succeeds. The file ends with a whole append, unless the process dies within one.
class AppendFile {
 public:
  /// Opened at the first append(), at its end.
  explicit AppendFile(fs::path path) : path_(std::move(path)) {}
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(std::string_view bytes);

 private:
  /// Writes what is pending, all or nothing; false with errno set.
  bool write_pending();

  fs::path path_;
  int fd_ = -1;
  std::string pending_;
  bool failing_ = false;
  int64_t lost_ = 0;  // appends for which there was no room in memory either
};

}  // namespace mentor
