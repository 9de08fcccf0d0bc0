#include "mentor/image/lettering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace mentor {
namespace {

using testing::ElementsAre;

TEST(WrapText, BreaksBetweenWordsAndInsideLongOnes) {
  const int64_t width = text_width("a chow chow");
  EXPECT_THAT(wrap_text("  a chow\n chow walks  ", width, 9), ElementsAre("a chow chow", "walks"));
  EXPECT_THAT(wrap_text("", width, 9), ElementsAre());
  for (const std::string& line : wrap_text(std::string(200, 'm') + " end", width, 99)) {
    EXPECT_LE(text_width(line), width);
  }
}

TEST(WrapText, EndsWithDotsWhereTheRoomEnds) {
  const int64_t width = text_width("a fluffy chow chow");
  const auto lines =
      wrap_text("a fluffy chow chow walks towards the camera along a path", width, 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], testing::EndsWith("..."));
  EXPECT_LE(text_width(lines[1]), width);
}

TEST(WrapText, ShowsWhatTheFontHas) {
  EXPECT_THAT(wrap_text("caf\xc3\xa9 \xe2\x80\x9chat\xe2\x80\x9d \xe7\x8c\xab \xff", 1000, 1),
              ElementsAre("cafe \"hat\" ? ?"));
}

TEST(DrawText, InksTheLineAndNothingElse) {
  Image canvas(120, 40);
  std::fill(canvas.pixels.begin(), canvas.pixels.end(), uint8_t{255});
  const Lettering lettering{.height = 12, .grey = 40};
  draw_text(canvas, "Hill", 10, 30, lettering);
  Box ink{120, 40, 0, 0};
  for (int64_t y = 0; y < 40; ++y) {
    for (int64_t x = 0; x < 120; ++x) {
      EXPECT_GE(*canvas.at(x, y), 40);
      if (*canvas.at(x, y) > 200) continue;
      ink = {std::min(ink.left, x), std::min(ink.top, y), std::max(ink.right, x + 1),
             std::max(ink.bottom, y + 1)};
    }
  }
  EXPECT_NEAR(static_cast<double>(ink.height()), 12, 2);
  EXPECT_NEAR(static_cast<double>(ink.bottom), 31, 1);
  EXPECT_NEAR(static_cast<double>(ink.left), 11, 2);
  EXPECT_NEAR(static_cast<double>(ink.width()), static_cast<double>(text_width("Hill", lettering)),
              4);
  draw_text(canvas, "cut at the borders", 100, 3, lettering);
}

}  // namespace
}  // namespace mentor
