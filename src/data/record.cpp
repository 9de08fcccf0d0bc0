#include "mentor/data/record.h"

#include "mentor/core/format.h"
#include "mentor/text/utf8.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace mentor {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 11> kProblemNames = {
    "not_json",         "invalid_utf8",         "not_an_object", "missing_key",      "wrong_type",
    "objects_mismatch", "placeholder_mismatch", "missing_file",  "unreadable_image", "empty_mask",
    "too_long"};

/// "a number", "an array"
std::string describe_type(const json& value) {
  const bool vowel = value.is_array() || value.is_object();
  return format("{} {}", vowel ? "an" : "a", value.type_name());
}

/// Reads the fields of one object and complains with the place of the line.
class FieldReader {
 public:
  FieldReader(const json& object, const std::string& where) : object_(object), where_(where) {}

  [[noreturn]] void fail(RecordProblem problem, const std::string& what) const {
    throw RecordError(problem, format("{}: {}", where_, what));
  }
  [[nodiscard]] const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  [[nodiscard]] bool flag(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) {
      fail(RecordProblem::kWrongType,
           format("{}: must be true or false, not {}", key, describe_type(*value)));
    }
    return value->get<bool>();
  }
  /// A string or a list of strings; absent is empty.
  [[nodiscard]] std::vector<std::string> strings(const char* key, const char* choices) const {
    const json* value = find(key);
    if (value == nullptr) return {};
    if (value->is_string()) return {value->get<std::string>()};
    const bool is_list =
        value->is_array() && std::all_of(value->begin(), value->end(),
                                         [](const json& item) { return item.is_string(); });
    if (!is_list) {
      fail(RecordProblem::kWrongType,
           format(
               "{}: must be {}, not {}", key, choices,
               value->is_array() ? "a list of other things" : format("a {}", value->type_name())));
    }
    return value->get<std::vector<std::string>>();
  }
  /// The files of a field; an empty name in a list or where one is needed is an error.
  [[nodiscard]] std::vector<fs::path> paths(const char* key, const fs::path& folder,
                                            bool needed) const {
    std::vector<std::string> names = strings(key, "a string or a list of strings");
    if (!needed && names == std::vector<std::string>{""}) names.clear();
    std::vector<fs::path> paths;
    for (const std::string& name : names) {
      if (name.empty()) fail(RecordProblem::kMissingFile, format("{}: the path is empty", key));
      paths.push_back(folder / name);
    }
    if (needed && paths.empty()) fail(RecordProblem::kMissingKey, format("{}: is missing", key));
    return paths;
  }

 private:
  const json& object_;
  const std::string& where_;
};

json parse_line(std::string_view line, const std::string& where) {
  if (const auto bad = find_invalid_utf8(line)) {
    throw RecordError(RecordProblem::kInvalidUtf8,
                      format("{}: byte {} is not UTF-8", where, *bad + 1));
  }
  json object;
  try {
    object = json::parse(line);
  } catch (const json::parse_error& error) {
    throw RecordError(RecordProblem::kNotJson,
                      format("{}: not JSON from byte {} on", where, error.byte));
  } catch (const json::out_of_range&) {
    throw RecordError(RecordProblem::kNotJson, format("{}: a number is out of range", where));
  }
  if (!object.is_object()) {
    throw RecordError(RecordProblem::kNotAnObject,
                      format("{}: {}, not a JSON object", where, describe_type(object)));
  }
  return object;
}

/// How many pictures, objects and <image> there are must agree, or features would be shifted.
void check_counts(const Record& record, const FieldReader& fields) {
  const auto need_one = [&](const std::vector<fs::path>& paths, const char* key) {
    if (paths.size() == 1) return;
    fields.fail(RecordProblem::kPlaceholderMismatch,
                format("{}: {} pictures for 1 place in the prompt", key, paths.size()));
  };
  if (record.image_list) {
    const size_t places = count_placeholders(record.text);
    if (places != record.images.size()) {
      fields.fail(RecordProblem::kPlaceholderMismatch,
                  format("input_text: {} <image> for {} pictures", places, record.images.size()));
    }
    return;
  }
  if (record.objects_listed) {
    if (record.objects.size() != record.images.size()) {
      fields.fail(
          RecordProblem::kObjectsMismatch,
          format("objects: {} objects for {} masks", record.objects.size(), record.images.size()));
    }
    return;
  }
  need_one(record.images, "image_path");
  if (!record.sources.empty()) need_one(record.sources, "source_image");
}

}  // namespace

std::string_view name_of(RecordProblem problem) {
  return kProblemNames.at(static_cast<size_t>(problem));
}

const Image* Record::find_drawn(const fs::path& path) const {
  if (!drawn) return nullptr;
  const auto found = drawn->find(path);
  return found == drawn->end() ? nullptr : &found->second;
}

Task Record::task(Stage stage) const {
  if (image_list) return Task::kMultiImage;
  if (objects.empty()) return generation_only ? Task::kTextToImage : Task::kReconstruction;
  if (objects_listed) return do_mask ? Task::kSegmentation : Task::kMultiObject;
  if (do_mask || stage == Stage::kAlignment) return Task::kSegmentation;
  return do_replace ? Task::kRecovery : Task::kSubject;
}

Record parse_record(std::string_view line, const std::string& where, const fs::path& folder) {
  const json object = parse_line(line, where);
  const FieldReader fields(object, where);
  Record record{.where = where};
  record.generation_only = fields.flag("generation_only");
  record.do_mask = fields.flag("do_mask");
  record.do_replace = fields.flag("do_replace");
  record.image_list = fields.flag("input_img_list");
  record.objects = fields.strings("objects", "null, a string or a list of strings");
  const json* objects = fields.find("objects");
  record.objects_listed = objects != nullptr && objects->is_array();
  if ((record.do_mask || record.do_replace || record.image_list) && objects == nullptr) {
    fields.fail(RecordProblem::kMissingKey, format("objects: is missing, and {} needs it",
                                                   record.do_mask      ? "do_mask"
                                                   : record.do_replace ? "do_replace"
                                                                       : "input_img_list"));
  }
  if (record.objects_listed && record.objects.empty()) {
    fields.fail(RecordProblem::kObjectsMismatch, "objects: the list is empty");
  }
  const json* text = fields.find("input_text");
  if (text == nullptr) fields.fail(RecordProblem::kMissingKey, "input_text: is missing");
  if (!text->is_string()) {
    fields.fail(RecordProblem::kWrongType,
                format("input_text: must be a string, not {}", describe_type(*text)));
  }
  record.text = text->get<std::string>();
  record.images = fields.paths("image_path", folder, /*needed=*/true);
  const bool from_text = record.generation_only && record.objects.empty() && !record.image_list;
  record.sources = fields.paths("source_image", folder, /*needed=*/!from_text);
  check_counts(record, fields);
  return record;
}

}  // namespace mentor
