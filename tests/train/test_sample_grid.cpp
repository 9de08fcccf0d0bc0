#include "mentor/train/sample_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace mentor {
namespace {

Image flat(int64_t width, int64_t height, uint8_t red) {
  Image image(width, height);
  for (size_t i = 0; i < image.pixels.size(); i += 3) image.pixels[i] = red;
  return image;
}

/// Red of the pixel in the middle of a cell, or at a share of it.
uint8_t red_at(const Image& grid, int64_t row, int64_t column, double x = 0.5, double y = 0.5) {
  constexpr int64_t kCell = 96, kGap = 12, kHeading = 28;
  return *grid.at(kGap + column * (kCell + kGap) + static_cast<int64_t>(x * kCell),
                  kHeading + row * (kCell + kGap) + static_cast<int64_t>(y * kCell));
}

TEST(SampleGrid, PutsEachPictureInItsColumn) {
  const SampleRow rows[] = {
      {.task = "subject",
       .prompt = "a dog in the snow, seen from above, at the end of a long winter's day",
       .references = {flat(50, 20, 10)},
       .target = flat(64, 64, 20),
       .samples = {flat(64, 64, 30), flat(30, 30, 40)}},
      {.task = "text_to_image", .prompt = "a teapot", .target = {}, .samples = {flat(9, 9, 50)}},
      {.task = "multi_image",
       .references = {flat(9, 9, 60), flat(9, 9, 70), flat(9, 9, 80)},
       .target = flat(9, 9, 90)},
  };
  const Image grid = sample_grid(rows, 96);
  EXPECT_EQ(grid.width, 12 + 5 * 108);
  EXPECT_EQ(grid.height, 28 + 3 * 108);
  EXPECT_EQ(red_at(grid, 0, 0), 10);
  EXPECT_EQ(red_at(grid, 0, 2), 20);
  EXPECT_EQ(red_at(grid, 0, 3), 30);
  EXPECT_EQ(red_at(grid, 0, 4), 40);
  EXPECT_EQ(red_at(grid, 0, 0, 0.5, 0.1), 255) << "a flat picture is not stretched";
  EXPECT_EQ(red_at(grid, 1, 0), 244) << "no reference: an empty cell";
  EXPECT_EQ(red_at(grid, 1, 2), 244);
  EXPECT_EQ(red_at(grid, 1, 3), 50);
  EXPECT_EQ(red_at(grid, 1, 4), 244);
  EXPECT_EQ(red_at(grid, 2, 0, 0.2, 0.2), 60);
  EXPECT_EQ(red_at(grid, 2, 0, 0.8, 0.2), 70);
  EXPECT_EQ(red_at(grid, 2, 0, 0.2, 0.8), 80);
  EXPECT_EQ(red_at(grid, 2, 2), 90);
}

TEST(SampleGrid, WritesThePromptInItsCell) {
  const SampleRow with[] = {{.task = "subject", .prompt = std::string(500, 'w')}};
  const SampleRow without[] = {{.task = "subject"}};
  const Image a = sample_grid(with, 96), b = sample_grid(without, 96);
  ASSERT_EQ(a.size(), b.size());
  Box changed{a.width, a.height, 0, 0};
  for (int64_t y = 0; y < a.height; ++y) {
    for (int64_t x = 0; x < a.width; ++x) {
      if (*a.at(x, y) == *b.at(x, y)) continue;
      changed = {std::min(changed.left, x), std::min(changed.top, y),
                 std::max(changed.right, x + 1), std::max(changed.bottom, y + 1)};
    }
  }
  EXPECT_GE(changed.left, 120 - 2);
  EXPECT_LE(changed.right, 216 + 2);
  EXPECT_GT(changed.height(), 60) << "several lines";
  EXPECT_LE(changed.bottom, 28 + 96 + 3);
}

TEST(SampleGrid, WantsRows) { EXPECT_THROW((void)sample_grid({}), std::invalid_argument); }

}  // namespace
}  // namespace mentor
