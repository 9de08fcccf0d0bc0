#include "mentor/core/error.h"
#include "mentor/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace mentor {
namespace {

TEST(ForEachIndex, ComesToEveryIndexOnce) {
  for (const int threads : {1, 5}) {
    std::vector<std::atomic<int>> seen(1000);
    for_each_index(1000, threads, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
    for (const auto& times : seen) EXPECT_EQ(times, 1);
  }
}

TEST(ForEachIndex, AnExceptionStopsAllAndArrives) {
  std::atomic<int> done = 0;
  EXPECT_THROW(for_each_index(1'000'000, 4,
                              [&](int64_t i) {
                                if (i == 10) throw DataError("ten");
                                ++done;
                              }),
               DataError);
  EXPECT_LT(done, 1'000'000);
}

}  // namespace
}  // namespace mentor
