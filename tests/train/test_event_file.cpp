#include "mentor/core/filesystem.h"
#include "mentor/image/image_io.h"
#include "mentor/train/event_file.h"
#include "support/run_program.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>

namespace mentor {
namespace {

using nlohmann::json;

IntervalMetrics interval(int64_t step) {
  return {.step = step,
          .loss = 8 - 0.125 * static_cast<double>(step),
          .task_loss = {{"subject", 6.5}, {"recovery", std::nan("")}},
          .grad_norm = 0.75,
          .lr = 0.5,
          .mfu = 0.25};
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// --- Framing -------------------------------------------------------------------------------------

/// CRC-32C bit by bit, masked.
uint32_t slow_masked_crc(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

/// The contents of the records of a file, checksums compared.
std::vector<std::string> records_of(const fs::path& file) {
  const std::string bytes = read_text(file);
  std::vector<std::string> records;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::string_view length = rest.substr(0, 8);
    EXPECT_EQ(little_endian(rest.substr(8, 4)), slow_masked_crc(length));
    const std::string_view content = rest.substr(12, little_endian(length));
    EXPECT_EQ(little_endian(rest.substr(12 + content.size(), 4)), slow_masked_crc(content));
    records.emplace_back(content);
    rest.remove_prefix(16 + content.size());
  }
  return records;
}

TEST(EventFile, FramesItsRecords) {
  const TempDir dir;
  {
    EventFile events(dir / "tensorboard", 0);
    events.add(interval(1));
    events.add(ValidationMetrics{.step = 1, .loss = 7});
  }
  const std::vector<fs::path> files = files_in(dir / "tensorboard");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(files[0].filename().string(),
              testing::MatchesRegex("events\\.out\\.tfevents\\.[0-9]{10}\\..+"));
  const std::vector<std::string> records = records_of(files[0]);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_THAT(records[0], testing::EndsWith("brain.Event:2"));
  // 24 bytes, as every event file begins: a constant from outside, unlike the checksums above.
  EXPECT_EQ(read_text(files[0]).substr(0, 12),
            std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22", 12));
}

TEST(EventFile, OfAResumedRunSortsBehindTheOthers) {
  const TempDir dir;
  for (const int64_t resumed_at : {0, 10, 20}) EventFile(dir.path(), resumed_at).add(interval(1));
  const std::vector<fs::path> files = files_in(dir.path());
  ASSERT_EQ(files.size(), 3u);
  for (size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(records_of(files[i]).size(), i == 0 ? 2u : 3u)
        << "session start expected from 2nd on";
  }
}

// --- What TensorBoard itself reads ---------------------------------------------------------------

/// Empty where it is not installed.
std::optional<json> read_with_tensorboard(const fs::path& folder) {
  const ProgramResult result = run_program(
      {"/bin/bash", std::string(MENTOR_SOURCE_DIR) + "/tests/train/read_events.sh", folder});
  if (result.exit_code == 77) {
    std::cerr << result.err;
    return std::nullopt;
  }
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return json::parse(result.out);
}

TEST(TensorBoard, ReadsScalarsPicturesAndText) {
  const TempDir dir;
  Image picture(3, 2);
  picture.pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9, 1, 2, 3, 200, 100, 50};
  const std::string png = encode_png(picture);
  {
    EventFile events(dir.path(), 0);
    events.add(interval(10));
    events.add(interval(20));
    events.add(ValidationMetrics{.step = 20, .loss = 7.25, .task_loss = {{"subject", 7.5}}});
    events.add_picture(20, "samples", png, picture.size());
    events.add_text(0, "config", "train:\n  lr: 5.0e-4  # <b>");
  }
  const std::optional<json> found = read_with_tensorboard(dir.path());
  if (!found) GTEST_SKIP() << "without TensorBoard";
  const json& read = *found;
  const json& scalars = read["scalars"];
  EXPECT_EQ(scalars["loss/train"], json::parse("[[10, 6.75], [20, 5.5]]"));
  EXPECT_EQ(scalars["loss/validation"], json::parse("[[20, 7.25]]"));
  EXPECT_EQ(scalars["loss_by_task/subject"], json::parse("[[10, 6.5], [20, 6.5]]"));
  EXPECT_EQ(scalars["validation_by_task/subject"], json::parse("[[20, 7.5]]"));
  EXPECT_EQ(scalars["optimizer/lr"], json::parse("[[10, 0.5], [20, 0.5]]"));
  EXPECT_EQ(scalars["speed/mfu"], json::parse("[[10, 0.25], [20, 0.25]]"));
  EXPECT_FALSE(scalars.contains("loss_by_task/recovery")) << "NaN: no sample of the task";
  ASSERT_EQ(read["images"]["samples"].size(), 1u);
  const json& image = read["images"]["samples"][0];
  EXPECT_EQ(image[0], 20);
  EXPECT_EQ(image[1], 3);
  EXPECT_EQ(image[2], 2);
  std::string hex;
  for (const char c : png) {
    const char* digits = "0123456789abcdef";
    hex += {digits[static_cast<uint8_t>(c) >> 4], digits[c & 15]};
  }
  EXPECT_EQ(image[3], hex);
  EXPECT_EQ(read["texts"]["config"][0][1], "    train:\n      lr: 5.0e-4  # <b>");
}

// Killed after step 40, resumed at 20: steps 30 and 40 count once, with their new values.
TEST(TensorBoard, ForgetsTheStepsThatAreRunAgain) {
  const TempDir dir;
  {
    EventFile events(dir.path(), 0);
    for (const int64_t step : {10, 20, 30, 40}) events.add(interval(step));
  }
  {
    EventFile events(dir.path(), 20);
    IntervalMetrics again = interval(30);
    again.loss = 1;
    events.add(again);
  }
  const std::optional<json> found = read_with_tensorboard(dir.path());
  if (!found) GTEST_SKIP() << "without TensorBoard";
  EXPECT_EQ((*found)["scalars"]["loss/train"], json::parse("[[10, 6.75], [20, 5.5], [30, 1.0]]"));
}

}  // namespace
}  // namespace mentor
