#pragma once

#include "mentor/core/content_hash.h"
#include "mentor/data/sample.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace mentor {

// Codes of targets, made once and read by every epoch and run: a folder with manifest.json and, for
// each process that ever wrote, codes-N.bin: records of key, codes and checksum, only appended to.

/// What the codes of a cache depend on beside the pictures.
struct CodeCacheIdentity {
  int64_t image_size = 512;
  int64_t codes_per_side = 32;
  std::string codec;  // the hash of its weights

  [[nodiscard]] int64_t num_codes() const { return codes_per_side * codes_per_side; }
};

/// Key of a record's target: the bytes of the pictures it is made of, what is made of them, and the
/// size. Nothing when one of them cannot be read.
[[nodiscard]] std::optional<ContentHash> target_key(const Record& record,
                                                    const SampleOptions& options);

/// The codes that were in the folder when it was opened. Any thread may read.
class CodeCache {
 public:
  /// ConfigError naming what differs when the folder holds codes of another identity, or no codes;
  /// files that cannot be read are a DataError. Records that were written in part are left out.
  CodeCache(const fs::path& folder, const CodeCacheIdentity& identity);
  ~CodeCache();
  CodeCache(CodeCache&&) noexcept;

  /// Valid as long as the cache; empty: not there.
  [[nodiscard]] std::span<const uint16_t> find(const ContentHash& key) const;
  [[nodiscard]] int64_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends to the file of one writer; several processes may write to a folder under numbers of
/// their own.
class CodeCacheWriter {
 public:
  /// Makes the folder and its manifest where there is none, and drops a record at the end of the
  /// file that was written in part. ConfigError for a folder of another identity or a number that a
  /// running process uses, UserError where nothing can be written.
  CodeCacheWriter(const fs::path& folder, const CodeCacheIdentity& identity, int64_t number);
  ~CodeCacheWriter();
  CodeCacheWriter(const CodeCacheWriter&) = delete;
  CodeCacheWriter& operator=(const CodeCacheWriter&) = delete;

  void add(const ContentHash& key, std::span<const uint16_t> codes);
  /// Waits until all is on the disk.
  void sync();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mentor
