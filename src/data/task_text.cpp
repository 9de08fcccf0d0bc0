#include "mentor/data/task_text.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <array>
#include <optional>

namespace mentor {
namespace {

constexpr std::string_view kPlaceholder = "<image>";

struct TaskNames {
  Task task;
  std::string_view name;
  std::string_view short_name;
};
constexpr std::array<TaskNames, 7> kTasks{{
    {Task::kTextToImage, "text_to_image", "text"},
    {Task::kReconstruction, "reconstruction", "reconstruct"},
    {Task::kSegmentation, "segmentation", "segment"},
    {Task::kRecovery, "recovery", "recover"},
    {Task::kSubject, "subject", "subject"},
    {Task::kMultiObject, "multi_object", "multi_object"},
    {Task::kMultiImage, "multi_image", "multi_image"},
}};

std::string replace_placeholders(std::string_view text, std::string_view replacement) {
  std::string result;
  for (;;) {
    const size_t at = text.find(kPlaceholder);
    result += text.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += replacement;
    text.remove_prefix(at + kPlaceholder.size());
  }
}

/// The text as the single-picture tasks use it: without placeholders and outer blanks.
std::string plain_text(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  std::string plain = replace_placeholders(text, "");
  plain.erase(plain.find_last_not_of(kBlanks) + 1);
  plain.erase(0, plain.find_first_not_of(kBlanks));
  return plain;
}

/// The text with each object's word replaced by a placeholder; nothing unless all objects occur
/// in the order of their pictures, for the placeholders are filled in that order.
std::optional<std::string> replace_objects(std::string_view text,
                                           const std::vector<std::string>& objects) {
  std::string result;
  for (const std::string& object : objects) {
    const size_t at = text.find(object);
    if (at == std::string_view::npos) return std::nullopt;
    result += text.substr(0, at);
    result += kPlaceholder;
    text.remove_prefix(at + object.size());
  }
  return result += text;
}

std::string name_objects(const std::vector<std::string>& objects) {
  std::string lines;
  for (const std::string& object : objects) {
    lines += format("{}The {} in {}.", lines.empty() ? "" : "\n", object, kPlaceholder);
  }
  return lines;
}

std::string show_objects(size_t num_objects) {
  std::string lines;
  for (size_t i = 0; i < num_objects; ++i) lines += format("{}.\n", kPlaceholder);
  return lines;
}

std::string build_object_prompt(const TaskText& task_text) {
  const std::vector<std::string>& objects = task_text.objects;
  const bool is_list = task_text.task == Task::kMultiObject;
  const bool takes_list = is_list || task_text.task == Task::kSegmentation;
  if (objects.empty() || (objects.size() > 1 && !takes_list)) {
    throw DataError(format("the task {} needs {}, got {} (the field 'objects', or --object)",
                           task_name(task_text.task), takes_list ? "objects" : "one object",
                           objects.size()));
  }
  if (task_text.task == Task::kSegmentation) return name_objects(objects);
  const std::string text = plain_text(task_text.text);
  if (!task_text.name_objects) {
    return is_list ? show_objects(objects.size()) + text : format("{}\n {}", kPlaceholder, text);
  }
  if (task_text.replace_subject) {
    if (const auto replaced = replace_objects(text, objects)) return *replaced;
  }
  return name_objects(objects) + "\n" + text;
}

}  // namespace

std::string_view task_name(Task task) { return kTasks.at(static_cast<size_t>(task)).name; }

Task parse_task(std::string_view name) {
  std::string known;
  for (const TaskNames& task : kTasks) {
    if (name == task.name || name == task.short_name) return task.task;
    known += format("{}{}", known.empty() ? "" : ", ", task.short_name);
  }
  throw ConfigError(format("unknown task '{}' (one of {})", name, known));
}

std::string build_prompt(const TaskText& task_text) {
  if (task_text.image_only) return format("{}\n", kPlaceholder);
  switch (task_text.task) {
    case Task::kTextToImage:
      return plain_text(task_text.text);
    case Task::kReconstruction:
      return format("The image is {}\n{}", kPlaceholder, plain_text(task_text.text));
    case Task::kMultiImage:
      return task_text.text;
    default:
      return build_object_prompt(task_text);
  }
}

size_t count_placeholders(std::string_view prompt) {
  size_t count = 0;
  for (size_t at = prompt.find(kPlaceholder); at != std::string_view::npos;
       at = prompt.find(kPlaceholder, at + kPlaceholder.size())) {
    ++count;
  }
  return count;
}

std::string expand_placeholders(std::string_view prompt, int64_t placeholders_per_image) {
  std::string repeated;
  for (int64_t i = 0; i < placeholders_per_image; ++i) repeated += kPlaceholder;
  return replace_placeholders(prompt, repeated);
}

}  // namespace mentor
