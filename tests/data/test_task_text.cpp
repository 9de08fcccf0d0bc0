#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/data/task_text.h"
#include "mentor/text/tokenizer.h"
#include "support/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace mentor {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const Json& expected() {
  static const Json json = Json::parse(read_text(fixture_path("data/expected.json")));
  return json;
}

std::vector<Json> read_records() {
  std::vector<Json> records;
  std::istringstream lines(read_text(fixture_path("data/records.jsonl")));
  for (std::string line; std::getline(lines, line);) records.push_back(Json::parse(line));
  return records;
}

/// An int64 tensor of a safetensors file.
std::vector<int64_t> read_ids(const std::string& file, const std::string& name) {
  uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof(header_size));
  const Json entry = Json::parse(file.substr(sizeof(header_size), header_size)).at(name);
  const size_t begin = entry["data_offsets"][0];
  const size_t end = entry["data_offsets"][1];
  std::vector<int64_t> ids((end - begin) / sizeof(int64_t));
  std::memcpy(ids.data(), file.data() + sizeof(header_size) + header_size + begin, end - begin);
  return ids;
}

/// The task of a record by the flags that the reference reads.
Task task_of(const Json& record, bool stage2) {
  const Json& objects = record["objects"];
  if (record.value("generation_only", false)) return Task::kTextToImage;
  if (objects.is_null()) return Task::kReconstruction;
  if (record.value("input_img_list", false)) return Task::kMultiImage;
  if (record.value("do_mask", false)) return Task::kSegmentation;
  if (objects.is_array()) return Task::kMultiObject;
  return stage2 && record.value("do_replace", false) ? Task::kRecovery : Task::kSubject;
}

TaskText text_of(const Json& record, const Json& test_case) {
  const Json& options = test_case["options"];
  const Json draws = test_case.value("draws", Json::object());
  const bool stage2 = options["do_recovery"];
  TaskText text{.task = task_of(record, stage2), .text = record["input_text"]};
  if (record["objects"].is_string()) text.objects = {record["objects"].get<std::string>()};
  if (record["objects"].is_array()) text.objects = record["objects"];
  text.image_only = options.value("with_image_only", false) &&
                    draws["random"][0].get<double>() < options["image_only_rate"].get<double>();
  text.replace_subject = options.value("replace_subject", false) && draws.value("subject", false);
  text.name_objects = stage2;
  return text;
}

TEST(TaskText, GivesTheRecordedPromptsAndIds) {
  const std::vector<Json> records = read_records();
  const std::string tensors = read_text(fixture_path("data/expected.safetensors"));
  const Json& config = expected()["config"];
  const Tokenizer tokenizer = Tokenizer::load(fixture_path(config["tokenizer"]));
  ASSERT_GT(expected()["cases"].size(), 20U);
  for (const Json& test_case : expected()["cases"]) {
    SCOPED_TRACE(test_case["key"].get<std::string>());
    const TaskText text = text_of(records.at(test_case["record"]), test_case);
    const std::string prompt = build_prompt(text);
    const std::string expanded = expand_placeholders(prompt, config["placeholders_per_image"]);
    EXPECT_EQ(expanded, test_case["prompt"]);
    // The reference gives a reconstruction from two pictures one group of placeholders.
    const bool mismatched = test_case.value("note", "").find("may refuse") != std::string::npos;
    if (!mismatched) {
      EXPECT_EQ(count_placeholders(prompt), test_case["images"]);
    }
    const PaddedText padded = tokenizer.encode_padded(expanded, config["context"]);
    EXPECT_EQ(padded.ids, read_ids(tensors, test_case["tensors"]["input_ids"]));
    EXPECT_EQ(std::ranges::count(padded.mask, 1), test_case["tokens"]);
  }
}

TEST(TaskText, BuildsEachTemplate) {
  struct Case {
    TaskText text;
    std::string prompt;
  };
  const std::vector<Case> cases = {
      {{.task = Task::kTextToImage, .text = " <image>a cat\n"}, "a cat"},
      {{.task = Task::kReconstruction, .text = " "}, "The image is <image>\n"},
      {{.task = Task::kReconstruction, .text = "a cat", .image_only = true}, "<image>\n"},
      {{.task = Task::kSegmentation, .text = "unused", .objects = {"cat"}}, "The cat in <image>."},
      {{.task = Task::kSegmentation, .objects = {"cat", "dog"}},
       "The cat in <image>.\nThe dog in <image>."},
      {{.task = Task::kRecovery, .text = "a cat", .objects = {"cat"}},
       "The cat in <image>.\na cat"},
      {{.task = Task::kSubject, .text = "a category", .objects = {"cat"}, .replace_subject = true},
       "a <image>egory"},
      {{.task = Task::kSubject, .text = "a Cat", .objects = {"cat"}, .replace_subject = true},
       "The cat in <image>.\na Cat"},
      {{.task = Task::kSubject, .text = "t", .objects = {"cat"}, .name_objects = false},
       "<image>\n t"},
      {{.task = Task::kMultiObject, .text = "t", .objects = {"a", "b"}, .name_objects = false},
       "<image>.\n<image>.\nt"},
      {{.task = Task::kMultiImage, .text = " <image> and <image>"}, " <image> and <image>"},
  };
  for (const Case& test_case : cases) EXPECT_EQ(build_prompt(test_case.text), test_case.prompt);
}

// The pictures fill the placeholders from left to right, so each must stand where its object did.
TEST(TaskText, ReplacesAListOnlyInTheOrderOfThePictures) {
  const auto prompt = [](const std::string& text, const std::vector<std::string>& objects) {
    return build_prompt(
        {.task = Task::kMultiObject, .text = text, .objects = objects, .replace_subject = true});
  };
  const std::string named = "The cat in <image>.\nThe dog in <image>.\n";
  EXPECT_EQ(prompt("cat beside dog", {"cat", "dog"}), "<image> beside <image>");
  EXPECT_EQ(prompt("dog, cat, dog", {"cat", "dog"}), "dog, <image>, <image>");
  EXPECT_EQ(prompt("dog beside cat", {"cat", "dog"}), named + "dog beside cat");
  EXPECT_EQ(prompt("a cat", {"cat", "dog"}), named + "a cat");
  // "age" is not looked for in the placeholder that took the place of "man".
  EXPECT_EQ(prompt("man of age", {"man", "age"}), "<image> of <image>");
}

TEST(TaskText, RefusesATaskWithoutItsObjects) {
  for (const Task task :
       {Task::kSegmentation, Task::kRecovery, Task::kSubject, Task::kMultiObject}) {
    try {
      (void)build_prompt({.task = task, .text = "a"});
      FAIL() << task_name(task);
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("the task " + std::string(task_name(task)) + " needs"));
    }
  }
  EXPECT_THROW((void)build_prompt({.task = Task::kSubject, .objects = {"a", "b"}}), DataError);
}

TEST(TaskText, TaskNamesRoundTrip) {
  for (const Task task : {Task::kTextToImage, Task::kReconstruction, Task::kSegmentation,
                          Task::kRecovery, Task::kSubject, Task::kMultiObject, Task::kMultiImage}) {
    EXPECT_EQ(parse_task(task_name(task)), task);
  }
  EXPECT_EQ(parse_task("text"), Task::kTextToImage);
  EXPECT_EQ(parse_task("reconstruct"), Task::kReconstruction);
  EXPECT_EQ(parse_task("segment"), Task::kSegmentation);
  EXPECT_EQ(parse_task("recover"), Task::kRecovery);
  try {
    (void)parse_task("paint");
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "unknown task 'paint' (one of text, reconstruct, segment, recover, subject, "
                 "multi_object, multi_image)");
  }
}

TEST(Placeholders, AreCountedAndExpanded) {
  EXPECT_EQ(count_placeholders("no <Image> <image"), 0U);
  EXPECT_EQ(count_placeholders("<image><image> <image>"), 3U);
  EXPECT_EQ(expand_placeholders("a <image>.<image>", 3),
            "a <image><image><image>.<image><image><image>");
  EXPECT_EQ(expand_placeholders("", 256), "");
}

}  // namespace
}  // namespace mentor
