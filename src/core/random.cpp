#include "mentor/core/random.h"

namespace mentor {

uint64_t fnv1a(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

uint64_t mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

uint64_t stream_seed(uint64_t run_seed, std::string_view purpose,
                     std::initializer_list<uint64_t> keys) {
  constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15ULL;
  uint64_t state = mix64(run_seed + kGoldenGamma) ^ fnv1a(purpose);
  for (const uint64_t key : keys) state = mix64(state + kGoldenGamma) ^ mix64(key + kGoldenGamma);
  return mix64(state + kGoldenGamma);
}

}  // namespace mentor
