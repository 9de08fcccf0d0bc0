#include "mentor/generate/request.h"

#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/random.h"
#include "mentor/core/words.h"
#include "mentor/data/task_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <set>

namespace mentor {
namespace {

using nlohmann::json;

/// Keys of a request, and the two more of a record to score.
const std::vector<std::string> kRequestKeys = {"prompt", "image", "id",    "seed",
                                               "count",  "task",  "object"};
const std::vector<std::string> kScoreKeys = {"prompt", "image",  "id",    "task",
                                             "object", "target", "tokens"};

/// The value of `key`, or `fallback`; a wrong type is an error that names the place and the key.
template <class T>
T value_or(const json& object, const char* key, T fallback, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) return fallback;
  try {
    return found->template get<T>();
  } catch (const json::exception&) {
    throw DataError(format("{}: {}: wrong type ({})", where, key, found->type_name()));
  }
}

/// A string or a list of strings.
std::vector<std::string> strings(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return {found->get<std::string>()};
  return value_or<std::vector<std::string>>(object, key, {}, where);
}

json parse_object(std::string_view line, const std::string& where,
                  const std::vector<std::string>& keys) {
  json object;
  try {
    object = json::parse(line);
  } catch (const json::parse_error& e) {
    throw DataError(format("{}: not JSON (byte {})", where, e.byte));
  }
  if (!object.is_object()) throw DataError(format("{}: not a JSON object", where));
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    const std::string nearest = nearest_word(key, keys);
    throw DataError(format("{}: {}: unknown key{}", where, key,
                           nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest)));
  }
  if (!object.contains("prompt")) throw DataError(format("{}: prompt: is missing", where));
  return object;
}

void check_id(const std::string& id, const std::string& where) {
  if (id.empty() || id == "." || id == ".." || id.find_first_of("/\\") != std::string::npos) {
    throw DataError(format("{}: id: '{}' cannot name a file", where, id));
  }
}

GenerateRequest request_of(const json& object, const std::string& where,
                           const std::filesystem::path& folder, const GenerateConfig& config) {
  GenerateRequest request;
  request.text = value_or<std::string>(object, "prompt", "", where);
  request.id = value_or<std::string>(object, "id", request.id, where);
  request.task = value_or<std::string>(object, "task", config.task, where);
  const auto seed = value_or<int64_t>(object, "seed", config.seed, where);
  if (seed < 0) throw DataError(format("{}: seed: must be at least 0", where));
  request.seed = static_cast<uint64_t>(seed);
  request.count = value_or<int64_t>(object, "count", config.count, where);
  request.objects = strings(object, "object", where);
  for (const std::string& image : strings(object, "image", where)) {
    request.images.push_back(folder / image);
  }
  check_id(request.id, where);
  if (request.count < 1 || request.count > kMostPictures) {
    throw DataError(format("{}: count: must be 1 to {}", where, kMostPictures));
  }
  if (request.task != "none") (void)parse_task(request.task);
  return request;
}

/// Calls `take(line, where, default id)` for every line that is not blank.
void for_each_line(
    const std::filesystem::path& file,
    const std::function<void(std::string_view, const std::string&, const std::string&)>& take) {
  const std::string text = read_text(file);
  int64_t line_number = 0, records = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    take(line, format("{}:{}", file, line_number), format("{:06}", line_number));
    ++records;
  }
  if (records == 0) throw DataError(format("{}: holds no record", file));
}

}  // namespace

std::string GenerateRequest::prompt() const {
  if (task != "none") {
    return build_prompt({.task = parse_task(task), .text = text, .objects = objects});
  }
  if (text.empty() || images.empty() || count_placeholders(text) > 0) return text;
  const bool named = !objects.empty();
  return build_prompt({.task = images.size() == 1 ? Task::kSubject : Task::kMultiObject,
                       .text = text,
                       .objects = named ? objects : std::vector<std::string>(images.size()),
                       .name_objects = named});
}

uint64_t GenerateRequest::picture_seed(int64_t k) const {
  return stream_seed(seed, "sample", {static_cast<uint64_t>(k)});
}

GenerateRequest parse_request(std::string_view line, const std::string& where,
                              const std::filesystem::path& folder, const GenerateConfig& config) {
  return request_of(parse_object(line, where, kRequestKeys), where, folder, config);
}

std::vector<GenerateRequest> read_requests(const std::filesystem::path& file,
                                           const GenerateConfig& config) {
  std::vector<GenerateRequest> requests;
  std::set<std::string> ids;
  for_each_line(file, [&](std::string_view line, const std::string& where, const std::string& id) {
    const json object = parse_object(line, where, kRequestKeys);
    requests.push_back(request_of(object, where, file.parent_path(), config));
    if (!object.contains("id")) requests.back().id = id;
    if (!ids.insert(requests.back().id).second) {
      throw DataError(format("{}: id: '{}' occurs twice", where, requests.back().id));
    }
  });
  return requests;
}

std::vector<ScoreRecord> read_score_records(const std::filesystem::path& file,
                                            const GenerateConfig& config) {
  std::vector<ScoreRecord> records;
  for_each_line(file, [&](std::string_view line, const std::string& where, const std::string& id) {
    const json object = parse_object(line, where, kScoreKeys);
    if (object.contains("target") == object.contains("tokens")) {
      throw DataError(format("{}: needs either target (a picture) or tokens (its codes)", where));
    }
    ScoreRecord record{.request = request_of(object, where, file.parent_path(), config)};
    if (!object.contains("id")) record.request.id = id;
    if (object.contains("target")) {
      record.target = file.parent_path() / value_or<std::string>(object, "target", "", where);
    }
    record.tokens = value_or<std::vector<int64_t>>(object, "tokens", {}, where);
    records.push_back(std::move(record));
  });
  return records;
}

}  // namespace mentor
