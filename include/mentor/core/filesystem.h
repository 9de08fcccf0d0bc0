#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace mentor {

namespace fs = std::filesystem;

/// The whole file as bytes. Throws DataError naming the file when it cannot be read.
std::string read_text(const fs::path& file);

/// Writes `text` so that `file` either keeps its old content or has all of the new: temporary
/// file beside it, fsync, rename, fsync of the folder. Creates missing parent folders. A full
/// disk or a read-only folder is a UserError naming the file; nothing half-written stays.
void write_text(const fs::path& file, std::string_view text);

/// The same for content that `fill` streams into a temporary path of its choice of writer.
/// `fill` receives the temporary file's path and must have closed it when it returns.
void publish_file(const fs::path& file, const std::function<void(const fs::path&)>& fill);

/// Sequential writer for publish_file(): unbuffered, so write in large pieces. Every failure is a
/// UserError that calls the file `named` (the final name, not the temporary one).
class FileWriter {
 public:
  FileWriter(const fs::path& path, fs::path named);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(std::string_view bytes);
  /// Reports what the file system only says at the end.
  void close();
  [[nodiscard]] uint64_t position() const { return position_; }

 private:
  fs::path named_;
  int fd_;
  uint64_t position_ = 0;
};

/// Gives a folder that is complete its name, after fsync of it; whatever had the name is replaced.
/// At any moment `folder` is the old one, absent or the new one, never half of one.
void publish_directory(const fs::path& complete, const fs::path& folder);

/// Removes a folder in such a way that a crash leaves it whole or under a name ending in ".tmp".
void remove_directory(const fs::path& folder);

/// Fails with a UserError (what, where, cure) unless files can be created in `dir`; creates it.
void require_writable_directory(const fs::path& dir);

}  // namespace mentor
