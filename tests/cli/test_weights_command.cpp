#include "support/golden.h"
#include "support/one_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/mount.h>
#include <unistd.h>

namespace mentor {
namespace {

using ::testing::HasSubstr;

ProgramResult weights(std::vector<std::string> words) {
  words.insert(words.begin(), {MENTOR_BINARY, "weights"});
  return run_program(std::move(words));
}

std::string checkpoint(const std::string& name) {
  return fixture_path("checkpoints/" + name).string();
}

TEST(WeightsCommand, InitInspectConvertDiffWorkTogether) {
  const TempDir dir;
  const std::string folder = (dir / "tiny").string();
  ASSERT_EQ(weights({"init", "--preset", "tiny", "--seed", "7", "--out", folder}).exit_code, 0);
  const ProgramResult inspected = weights({"inspect", folder, "--model", folder + "/config.yaml"});
  EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(inspected.out, HasSubstr("fits         the configuration"));
  const std::string file = folder + "/model.safetensors", copy = (dir / "copy.pt").string();
  ASSERT_EQ(weights({"convert", file, copy, "--dtype", "fp32"}).exit_code, 0);
  EXPECT_EQ(weights({"diff", file, copy}).exit_code, 1);
  EXPECT_EQ(weights({"diff", file, copy, "--tolerance", "0"}).exit_code, 0);
  EXPECT_EQ(weights({"diff", file, (dir / "none.pt").string()}).exit_code, 2);
}

TEST(WeightsCommand, BadFilesEndInOneMessage) {
  const std::pair<const char*, const char*> cases[] = {
      {"damaged/evil_os_system.pt", "evil_os_system.pt"},
      {"damaged/evil_legacy.pt", "evil_legacy.pt"},
      {"damaged/truncated_zip.pt", "not a complete zip archive"},
      {"damaged/truncated_legacy.pt", "ends before the data of a tensor"},
      {"damaged/empty.pt", "the file is empty"},
      {"damaged/text.pt", "format not recognised"},
      {"damaged/bad_crc.pt", "bad_crc.pt"},
  };
  for (const auto& [file, message] : cases) {
    SCOPED_TRACE(file);
    expect_one_message(weights({"inspect", checkpoint(file), "--checksums"}), message);
  }
}

TEST(WeightsCommand, AFolderThatCannotBeWrittenIsNamed) {
  expect_one_message(weights({"init", "--out", "/proc/mentor-weights"}), "/proc/mentor-weights");
  const TempDir dir;
  std::ofstream(dir / "file") << "not a folder";
  expect_one_message(weights({"init", "--out", (dir / "file").string()}), "file");
}

TEST(WeightsCommand, ALimitOnTheFileSizeLeavesNothingBehind) {
  const TempDir dir;
  const std::string out = (dir / "copy.pt").string();
  const ProgramResult result =
      run_program({"/bin/sh", "-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"", MENTOR_BINARY,
                   "weights", "convert", checkpoint("vq_tiny.pt"), out});
  expect_one_message(result, "copy.pt");
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(WeightsCommand, AFullDiskLeavesNothingBehind) {
  const TempDir dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "needs the right to mount a small file system";
  }
  const std::string out = (dir / "copy.safetensors").string();
  const ProgramResult result = weights({"convert", checkpoint("vq_tiny.pt"), out});
  const bool empty = std::filesystem::is_empty(dir.path());
  ::umount(dir.path().c_str());
  expect_one_message(result, "copy.safetensors");
  EXPECT_THAT(result.err, HasSubstr("No space left"));
  EXPECT_TRUE(empty);
}

}  // namespace
}  // namespace mentor
