#include "mentor/core/progress.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mentor {
namespace {

struct Bar {
  explicit Bar(bool terminal, int64_t total = 100)
      : progress({.what = "decode",
                  .unit = "tok",
                  .total = total,
                  .out = &out,
                  .terminal = terminal,
                  .seconds = [this] { return now; }}) {}
  void advance_at(double time, int64_t count) {
    now = time;
    progress.advance(count);
  }
  double now = 0;
  std::ostringstream out;
  Progress progress;
};

TEST(Progress, PlainLinesAtMostEveryFiveSeconds) {
  Bar bar(/*terminal=*/false);
  for (int i = 1; i <= 12; ++i) bar.advance_at(i, 5);
  EXPECT_EQ(bar.out.str(),
            "decode 25/100 tok, 25 %, 5.0 tok/s, ETA 15 s\n"
            "decode 50/100 tok, 50 %, 5.0 tok/s, ETA 10 s\n");
  bar.progress.finish();
  bar.progress.finish();
  EXPECT_TRUE(bar.out.str().ends_with("decode 60/100 tok, 60 %, 5.0 tok/s, 12 s\n"))
      << bar.out.str();
}

TEST(Progress, TerminalRewritesOneLine) {
  Bar bar(/*terminal=*/true, /*total=*/0);
  bar.advance_at(2, 400);
  bar.advance_at(2.05, 1);
  bar.progress.finish();
  EXPECT_EQ(bar.out.str(),
            "\rdecode 400 tok, 200 tok/s\x1b[K\rdecode 401 tok, 196 tok/s, 2.0 s\x1b[K\n");
}

TEST(Progress, TheLaunchersTerminalCounts) {
  ::setenv("MENTOR_TERMINAL", "1", /*overwrite=*/1);
  EXPECT_TRUE(terminal_shows_errors());
  ::unsetenv("MENTOR_TERMINAL");
  EXPECT_EQ(terminal_shows_errors(), ::isatty(STDERR_FILENO) == 1);
}

TEST(Progress, ShortWorkShowsNothing) {
  Bar bar(/*terminal=*/true);
  bar.advance_at(0.9, 100);
  bar.progress.finish();
  EXPECT_EQ(bar.out.str(), "");
}

TEST(Progress, CountsEveryThread) {
  Bar bar(/*terminal=*/false, 4000);
  bar.now = 2;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) bar.progress.advance();
    });
  }
  threads.clear();
  bar.progress.finish();
  EXPECT_EQ(bar.out.str(), "decode 4000/4000 tok, 100 %, 2000 tok/s, 2.0 s\n");
}

}  // namespace
}  // namespace mentor
