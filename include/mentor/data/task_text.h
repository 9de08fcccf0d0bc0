#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// What a sample trains or a request asks for (MENTOR paper, section 3.3).
enum class Task {
  kTextToImage,
  kReconstruction,
  kSegmentation,  // the named objects on black
  kRecovery,      // the undistorted picture around a distorted object
  kSubject,       // the object in a new scene
  kMultiObject,   // one cropped picture for each object
  kMultiImage,    // whole pictures, placed by the <image> in the text
};

/// "text_to_image", "reconstruction", ...
[[nodiscard]] std::string_view task_name(Task task);

/// From task_name() or the short names of the command line: text, reconstruct, segment, recover.
/// ConfigError: another word.
[[nodiscard]] Task parse_task(std::string_view name);

/// What the prompt of one sample is made of.
struct TaskText {
  Task task = Task::kTextToImage;
  std::string text;                  // caption or instruction
  std::vector<std::string> objects;  // one for each picture; unused where the task names none
  bool image_only = false;           // the picture alone, whatever the task
  bool replace_subject = false;      // each object's word becomes its picture, where it fits
  bool name_objects = true;          // false: stage 1, which shows objects without naming them
};

/// The prompt with <image> once for each picture, the same in training and generation (as the
/// reference's templates). <image> in `text` counts for kMultiImage only and is removed elsewhere.
/// DataError: a task without the objects it needs.
[[nodiscard]] std::string build_prompt(const TaskText& task_text);

[[nodiscard]] size_t count_placeholders(std::string_view prompt);

/// Repeats each <image> of `prompt`, once for each condition token of a picture.
[[nodiscard]] std::string expand_placeholders(std::string_view prompt,
                                              int64_t placeholders_per_image);

}  // namespace mentor
