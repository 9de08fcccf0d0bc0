#pragma once

#include "mentor/core/filesystem.h"

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mentor {

/// 128 bits that tell contents apart (XXH3): no protection against somebody who wants them equal.
struct ContentHash {
  uint64_t high = 0, low = 0;

  [[nodiscard]] std::string string() const;  // 32 hex digits
  friend auto operator<=>(const ContentHash&, const ContentHash&) = default;
};

/// Hashes bytes that come in pieces; where they were cut does not matter.
class ContentHasher {
 public:
  ContentHasher();
  ~ContentHasher();
  ContentHasher(const ContentHasher&) = delete;
  ContentHasher& operator=(const ContentHasher&) = delete;

  void add(std::string_view bytes);
  /// Length and bytes: the hash of several fields tells where each ends.
  void add_field(std::string_view bytes);
  [[nodiscard]] ContentHash hash() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] ContentHash hash_bytes(std::string_view bytes);
/// DataError naming the file when it cannot be read.
[[nodiscard]] ContentHash hash_file(const fs::path& file);

}  // namespace mentor
