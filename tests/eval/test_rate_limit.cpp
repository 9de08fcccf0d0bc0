#include "mentor/eval/rate_limit.h"

#include <gtest/gtest.h>

namespace mentor {
namespace {

TEST(RateLimit, LetsAsMuchThroughAsItSays) {
  RateLimit limit(120);  // two a second
  double now = 50, waited = 0;
  for (int i = 0; i < 122; ++i) {
    const double wait = limit.wait(now);
    waited += wait;
    now += wait;
    EXPECT_LE(limit.wait(now), 1e-9);
    limit.take(1);
  }
  EXPECT_NEAR(waited, 60, 1e-6);  // the first two do not wait
}

TEST(RateLimit, PassesWhatIsLargerThanTheBucket) {
  RateLimit limit(600);  // ten a second
  EXPECT_EQ(limit.wait(1), 0);
  limit.take(1000);
  EXPECT_NEAR(limit.wait(1), 99.1, 1e-6);
  limit.take(-500);  // fewer were needed
  EXPECT_NEAR(limit.wait(1), 49.1, 1e-6);
}

TEST(RateLimit, NeedNotExist) {
  RateLimit limit(0);
  limit.take(1e9);
  EXPECT_EQ(limit.wait(0), 0);
}

TEST(Backoff, DoublesUpToAMinuteWithHalfOfItOpen) {
  EXPECT_EQ(backoff_seconds(1, 0, 0), 0.5);
  EXPECT_EQ(backoff_seconds(1, 0, 0.5), 0.75);
  EXPECT_EQ(backoff_seconds(1, 3, 0), 4);
  EXPECT_EQ(backoff_seconds(1, 6, 0), 30);
  EXPECT_EQ(backoff_seconds(1, 1000, 0), 30);
}

}  // namespace
}  // namespace mentor
