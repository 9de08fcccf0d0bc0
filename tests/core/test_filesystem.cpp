#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

size_t count_files(const fs::path& dir) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

TEST(WriteText, CreatesFoldersAndReplacesWhole) {
  const TempDir dir;
  const fs::path file = dir / "a/b/c.txt";
  write_text(file, "first");
  write_text(file, "second");
  EXPECT_EQ(read_text(file), "second");
  EXPECT_EQ(count_files(file.parent_path()), 1u) << "a temporary file stayed behind";
}

TEST(WriteText, NamesTheFileWhenTheFolderIsAFile) {
  const TempDir dir;
  write_text(dir / "plain", "x");
  try {
    write_text(dir / "plain/child.txt", "y");
    FAIL() << "no error";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("child.txt: cannot write"));
  }
}

TEST(PublishFile, KeepsTheOldContentWhenFillingFails) {
  const TempDir dir;
  const fs::path file = dir / "kept.txt";
  write_text(file, "old");
  EXPECT_THROW(publish_file(file,
                            [](const fs::path& temporary) {
                              write_text(temporary, "half");
                              throw UserError("disk full");
                            }),
               UserError);
  EXPECT_EQ(read_text(file), "old");
  EXPECT_EQ(count_files(dir.path()), 1u);
}

TEST(RequireWritableDirectory, MakesItAndRefusesAFile) {
  const TempDir dir;
  require_writable_directory(dir / "a" / "b");
  EXPECT_TRUE(fs::is_empty(dir / "a" / "b"));
  write_text(dir / "file", "");
  try {
    require_writable_directory(dir / "file");
    FAIL() << "accepted a file";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("file: is a file, where a folder is to be"));
  }
}

TEST(ReadText, NamesAMissingFileAndAFolder) {
  const TempDir dir;
  EXPECT_THROW((void)read_text(dir / "absent"), DataError);
  EXPECT_THROW((void)read_text(dir.path()), DataError);
}

}  // namespace
}  // namespace mentor
