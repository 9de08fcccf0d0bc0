#pragma once

#include "mentor/core/filesystem.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// One file of a zip archive; `bytes` point into the archive.
struct ZipEntry {
  std::string_view name;
  std::string_view bytes;
  uint32_t crc;
};

/// The entries of a zip or zip64 archive of stored (uncompressed) files, which is what torch.save
/// writes. Throws WeightsError that begins with `where` for anything else.
[[nodiscard]] std::vector<ZipEntry> read_zip(std::string_view archive, const std::string& where);

/// CRC-32 of zip and gzip.
[[nodiscard]] uint32_t crc32(std::string_view bytes);

/// Writes stored entries whose data begin at multiples of 64 bytes, so that a mapping of the file
/// gives aligned tensors. zip64 records appear once a size or a position needs them.
class ZipWriter {
 public:
  /// `zip64_from`: smallest value that is stored in 64 bits (lowered by tests).
  explicit ZipWriter(FileWriter& writer, uint64_t zip64_from = UINT32_MAX)
      : writer_(writer), zip64_from_(zip64_from) {}

  void add(const std::string& name, std::string_view bytes);
  /// Writes the directory; nothing can be added after it.
  void finish();

 private:
  [[nodiscard]] bool wide(uint64_t value) const { return value >= zip64_from_; }
  [[nodiscard]] uint32_t narrow(uint64_t value) const {
    return wide(value) ? UINT32_MAX : static_cast<uint32_t>(value);
  }

  FileWriter& writer_;
  uint64_t zip64_from_;
  uint64_t num_entries_ = 0;
  std::string directory_;
};

}  // namespace mentor
