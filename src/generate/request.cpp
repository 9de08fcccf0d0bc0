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
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

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

/// Nothing unless it is a whole number that int64_t holds: the conversion would cut 1.9 to 1 and
/// make 2^63 negative.
std::optional<int64_t> whole_number(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && !std::in_range<int64_t>(value.get<uint64_t>())) {
    return std::nullopt;
  }
  return value.get<int64_t>();
}

struct Range {
  int64_t least, most;
};

/// The whole number of `key`, or `fallback`.
int64_t number_or(const json& object, const char* key, int64_t fallback, const Range& range,
                  const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) return fallback;
  const std::optional<int64_t> value = whole_number(*found);
  if (value && *value >= range.least && *value <= range.most) return *value;
  throw DataError(format("{}: {}: must be a whole number from {} to {}, not {}", where, key,
                         range.least, range.most, cut_text(found->dump(), 40)));
}

std::vector<int64_t> whole_numbers(const json& object, const char* key, const std::string& where) {
  auto numbers = value_or<std::vector<int64_t>>(object, key, {}, where);
  if (numbers.empty()) return numbers;
  for (const json& item : object.at(key)) {
    if (whole_number(item)) continue;
    throw DataError(format("{}: {}: {} is no whole number", where, key, cut_text(item.dump(), 40)));
  }
  return numbers;
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
  constexpr int64_t kLargestSeed = std::numeric_limits<int64_t>::max();
  request.seed =
      static_cast<uint64_t>(number_or(object, "seed", config.seed, {0, kLargestSeed}, where));
  request.count = number_or(object, "count", config.count, {1, kMostPictures}, where);
  request.objects = strings(object, "object", where);
  for (const std::string& image : strings(object, "image", where)) {
    request.images.push_back(folder / image);
  }
  check_id(request.id, where);
  if (request.task != "none") (void)parse_task(request.task);
  return request;
}

/// Segmentation and reconstruction say all with their picture; the others draw what is said.
void require_words(const GenerateRequest& request, const std::string& where) {
  if (!is_blank(request.text)) return;
  const Task task = request.task == "none" ? Task::kTextToImage : parse_task(request.task);
  if (task == Task::kSegmentation || task == Task::kReconstruction) return;
  throw DataError(format("{}: prompt: has no words: say what to draw", where));
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
    if (is_blank(line)) continue;
    take(line, format("{}:{}", file, line_number), format("{:06}", line_number));
    ++records;
  }
  if (records == 0) throw DataError(format("{}: holds no record", file));
}

/// Refuses requests of which one would write over a picture of another: "a" with count 2, "a_000".
void require_own_names(const std::vector<GenerateRequest>& requests,
                       const std::vector<std::string>& places) {
  std::map<std::string, size_t> owners;  // picture name -> request
  for (size_t r = 0; r < requests.size(); ++r) {
    for (int64_t k = 0; k < requests[r].count; ++k) {
      const auto [owner, is_new] = owners.try_emplace(requests[r].picture_name(k), r);
      if (is_new) continue;
      throw DataError(
          format("{}: id: '{}' draws a picture {}, and so does '{}' of {}: change one of the ids",
                 places[r], requests[r].id, owner->first, requests[owner->second].id,
                 places[owner->second]));
    }
  }
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

std::string GenerateRequest::picture_name(int64_t k) const {
  return count == 1 ? id : format("{}_{:03}", id, k);
}

uint64_t GenerateRequest::picture_seed(int64_t k) const {
  return stream_seed(seed, "sample", {static_cast<uint64_t>(k)});
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
}

GenerateRequest parse_request(std::string_view line, const std::string& where,
                              const std::filesystem::path& folder, const GenerateConfig& config,
                              const std::string& default_id) {
  const json object = parse_object(line, where, kRequestKeys);
  GenerateRequest request = request_of(object, where, folder, config);
  require_words(request, where);
  if (!object.contains("id")) request.id = default_id;
  return request;
}

std::vector<GenerateRequest> read_requests(const std::filesystem::path& file,
                                           const GenerateConfig& config) {
  std::vector<GenerateRequest> requests;
  std::vector<std::string> places;
  std::set<std::string> ids;
  for_each_line(file, [&](std::string_view line, const std::string& where, const std::string& id) {
    requests.push_back(parse_request(line, where, file.parent_path(), config, id));
    places.push_back(where);
    if (!ids.insert(requests.back().id).second) {
      throw DataError(format("{}: id: '{}' occurs twice", where, requests.back().id));
    }
  });
  require_own_names(requests, places);
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
    record.tokens = whole_numbers(object, "tokens", where);
    records.push_back(std::move(record));
  });
  return records;
}

}  // namespace mentor
