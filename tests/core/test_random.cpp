#include "mentor/core/random.h"

#include <gtest/gtest.h>

#include <set>

namespace mentor {
namespace {

TEST(StreamSeed, IsAFunctionOfSeedPurposeAndKeys) {
  EXPECT_EQ(stream_seed(1, "task", {2, 3}), stream_seed(1, "task", {2, 3}));
  std::set<uint64_t> seeds;
  for (uint64_t run = 0; run < 4; ++run) {
    for (uint64_t epoch = 0; epoch < 8; ++epoch) {
      for (uint64_t record = 0; record < 64; ++record) {
        seeds.insert(stream_seed(run, "task", {epoch, record}));
        seeds.insert(stream_seed(run, "sample", {epoch, record}));
      }
    }
  }
  EXPECT_EQ(seeds.size(), 2u * 4 * 8 * 64);
}

TEST(StreamSeed, KeepsKeysApart) {
  EXPECT_NE(stream_seed(0, "task", {1, 0}), stream_seed(0, "task", {0, 1}));
  EXPECT_NE(stream_seed(0, "task", {0}), stream_seed(0, "task", {}));
}

TEST(Fnv1a, EqualsThePublishedVectors) {
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8ULL);
}

}  // namespace
}  // namespace mentor
