#include "mentor/data/code_cache.h"
#include "mentor/data/sample.h"
#include "mentor/image/image_io.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

using ::testing::HasSubstr;

Image plain(uint8_t value, int64_t side = 20) {
  Image image(side, side);
  std::fill(image.pixels.begin(), image.pixels.end(), value);
  return image;
}

std::string message_of(const fs::path& path) {
  try {
    (void)open_records(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(RecordFolder, HoldsThePicturesOfAllFoldersByPath) {
  const TempDir dir;
  fs::create_directories(dir / "b/c");
  write_image(dir / "b/c/second.JPG.png", plain(10));
  write_image(dir / "a.png", plain(20));
  write_text(dir / "b/notes.txt", "no picture");
  const auto records = open_records(dir.path());
  ASSERT_EQ(records->size(), 2);
  EXPECT_EQ(records->where(0), (dir / "a.png").string());
  EXPECT_EQ(records->where(1), (dir / "b/c/second.JPG.png").string());
  const Record record = records->record(0);
  EXPECT_EQ(record.task(Stage::kInstruction), Task::kTextToImage);
  EXPECT_EQ(make_sample(record, {.image_size = 20}, {}, nullptr).target, plain(20));
}

TEST(RecordFolder, SaysWhenThereIsNothingToRead) {
  const TempDir dir;
  EXPECT_THAT(message_of(dir.path()), HasSubstr("holds no picture (jpg, png, webp, bmp)"));
  EXPECT_THAT(message_of(dir / "none"), HasSubstr("none: cannot open"));
}

class DrawnRecord : public ::testing::Test {
 protected:
  [[nodiscard]] Record drawn(uint8_t value) const {
    Record record = on_disk_;
    record.drawn = std::make_shared<const std::map<fs::path, Image>>(
        std::map<fs::path, Image>{{dir_ / "picture.png", plain(value)}});
    return record;
  }

  const TempDir dir_;
  const Record on_disk_{
      .where = "here", .images = {dir_ / "picture.png"}, .text = "a", .generation_only = true};
  const SampleOptions options_{.image_size = 20};
};

TEST_F(DrawnRecord, MakesTheSampleThatTheFileMakes) {
  const Record record = drawn(30);
  const Sample from_memory = make_sample(record, options_, {}, nullptr);
  write_image(dir_ / "picture.png", plain(30));
  const Sample from_file = make_sample(on_disk_, options_, {}, nullptr);
  EXPECT_EQ(from_memory.target, from_file.target);
  EXPECT_EQ(from_memory.prompt, from_file.prompt);
}

TEST_F(DrawnRecord, CodesAreKeptByThePixels) {
  const auto key = target_key(drawn(30), options_);
  ASSERT_TRUE(key);
  EXPECT_EQ(key, target_key(drawn(30), options_));
  EXPECT_NE(key, target_key(drawn(31), options_));
}

}  // namespace
}  // namespace mentor
