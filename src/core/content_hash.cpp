#include "mentor/core/content_hash.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <fstream>
#include <vector>

// Inlined: no symbol of ours can meet another library's copy.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mentor {
namespace {

ContentHash from(XXH128_hash_t hash) { return {.high = hash.high64, .low = hash.low64}; }

}  // namespace

struct ContentHasher::State {
  XXH3_state_t xxh3;
};

std::string ContentHash::string() const { return format("{:016x}{:016x}", high, low); }

ContentHasher::ContentHasher() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh3);
}
ContentHasher::~ContentHasher() = default;

void ContentHasher::add(std::string_view bytes) {
  XXH3_128bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

void ContentHasher::add_field(std::string_view bytes) {
  const uint64_t size = bytes.size();
  add({reinterpret_cast<const char*>(&size), sizeof(size)});
  add(bytes);
}

ContentHash ContentHasher::hash() const { return from(XXH3_128bits_digest(&state_->xxh3)); }

ContentHash hash_bytes(std::string_view bytes) {
  return from(XXH3_128bits(bytes.data(), bytes.size()));
}

ContentHash hash_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw DataError(format("{}: cannot open", file));
  std::vector<char> block(1 << 20);
  ContentHasher hasher;
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    hasher.add({block.data(), static_cast<size_t>(in.gcount())});
  }
  if (in.bad()) throw DataError(format("{}: read error", file));
  return hasher.hash();
}

}  // namespace mentor
