#include "mentor/eval/rating_files.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/sha256.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace mentor {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, RatingTask>, 2> kFolders = {
    {{"concept_preservation_full", RatingTask::kCp}, {"prompt_following_full", RatingTask::kPf}}};

std::string_view folder_of(RatingTask task) { return kFolders.at(static_cast<size_t>(task)).first; }

/// Python writes NaN, which is no JSON. No key of these files holds the word.
json parse_json(const fs::path& file) {
  std::string text = read_text(file);
  for (size_t at = text.find("NaN"); at != std::string::npos; at = text.find("NaN", at)) {
    text.replace(at, 3, "null");
  }
  try {
    return json::parse(text);
  } catch (const json::exception& error) {
    throw DataError(format("{}: is no JSON: {}", file, error.what()));
  }
}

/// What a file is about, beside what stands in it.
class RatingFile {
 public:
  RatingFile(fs::path file, const Dataset& dataset, const RatingFileOptions& options)
      : file_(std::move(file)), dataset_(dataset), options_(options) {}

  std::vector<Attempt> read() {
    const json content = parse_json(file_);
    if (!content.is_object() || content.empty()) fail_as_foreign();
    if (content.contains("collection_id")) {
      read_answer(content);
    } else if (content.contains("rater") && content.contains("methods")) {
      rater_ = text_of(content.at("rater"), "rater");
      read_pairs(method_of(content.at("methods")), pictures_of(content));
    } else if (content.begin()->is_array()) {
      read_pairs(content, json::object());
    } else {
      for (const auto& [key, score] : content.items()) {
        if (score.is_null() && options_.by_people) continue;
        add(task(), run(), item_of(key), score, "");
      }
    }
    return std::move(attempts_);
  }

 private:
  [[noreturn]] void fail(std::string_view where, std::string_view what) const {
    throw DataError(format("{}: {}: {}", file_, where, what));
  }
  [[noreturn]] void fail_as_foreign() const {
    throw DataError(
        format("{}: is no file of ratings: those are {{\"object_20_magic_cube-3\": 4, ...}}, one "
               "answer with its collection_id, or what a page of 'mentor evaluate rate' saved",
               file_));
  }

  std::string text_of(const json& value, std::string_view key) const {
    if (!value.is_string()) fail(key, "is no text");
    return value.get<std::string>();
  }

  /// {"method": ..., "collection_id": ..., "prompt_index": 3, "score": 4, "content": "Score: 4"}
  void read_answer(const json& answer) {
    for (const char* key : {"prompt_index", "score", "content"}) {
      if (!answer.contains(key)) fail(key, "is missing");
    }
    const json& prompt = answer.at("prompt_index");
    const std::string id = text_of(answer.at("collection_id"), "collection_id");
    if (!prompt.is_number_integer()) fail("prompt_index", "is no number from 0 to 8");
    const ItemKey item = item_of(format("{}-{}", id, prompt.get<int64_t>()));
    add(task(), run(), item, answer.at("score"), text_of(answer.at("content"), "content"));
  }

  /// The pairs about our pictures, of {"samples": {...}, "other samples": {...}}.
  const json& method_of(const json& methods) const {
    if (!methods.is_object()) fail_as_foreign();
    if (methods.contains(options_.samples)) return methods.at(options_.samples);
    std::string names;
    for (const auto& [name, pairs] : methods.items()) {
      names += (names.empty() ? "'" : ", '") + name + "'";
    }
    throw DataError(format("{}: rates the pictures of {}, not those of '{}' (evaluate.samples)",
                           file_, names, options_.samples));
  }

  /// The hashes of our pictures, of {"samples": {"object_20_magic_cube-3": SHA-256, ...}, ...}.
  /// Older pages saved none.
  json pictures_of(const json& content) const {
    const auto pictures = content.find("pictures");
    if (pictures == content.end()) return json::object();
    if (!pictures->is_object()) fail_as_foreign();
    const auto ours = pictures->find(options_.samples);
    if (ours == pictures->end()) return json::object();
    return *ours;
  }

  /// {"object_20_magic_cube-3": [CP, PF], ...}
  void read_pairs(const json& pairs, const json& pictures) {
    if (!pairs.is_object()) fail_as_foreign();
    for (const auto& [key, pair] : pairs.items()) {
      if (!pair.is_array() || pair.size() != 2) fail(key, "is no pair [CP, PF]");
      const ItemKey item = item_of(key);
      const auto picture = pictures.find(key);
      for (const RatingTask task : {RatingTask::kCp, RatingTask::kPf}) {
        const json& score = pair.at(static_cast<size_t>(task));
        if (score.is_null()) continue;
        add(task, options_.run.value_or(0), item, score, "");
        if (picture != pictures.end()) attempts_.back().generated_sha256 = text_of(*picture, key);
      }
    }
  }

  /// "object_20_magic_cube-3"; "-3_0" as well.
  ItemKey item_of(const std::string& key) const {
    const size_t dash = key.rfind('-');
    const auto id = parse_collection_id(std::string_view(key).substr(0, dash));
    const std::string prompt = dash == std::string::npos ? "" : key.substr(dash + 1);
    const bool has_sample = prompt.size() > 2 && prompt[1] == '_' && prompt.size() < 6 &&
                            prompt.find_first_not_of("0123456789", 2) == std::string::npos;
    if (!id || prompt.empty() || prompt[0] < '0' || prompt[0] > '8' ||
        (prompt.size() > 1 && !has_sample)) {
      fail(key, "names no picture: 'object_20_magic_cube-3' is prompt 3 of object 20");
    }
    const Subject* subject = dataset_.find(id->subject);
    if (subject == nullptr) fail(key, format("{} has no such subject", dataset_.root));
    const auto known = parse_collection_id(subject->collection_id());
    if (!same_slug(id->slug, known->slug)) {
      fail(key, format("is '{}' in {}: are these ratings of other pictures?", known->slug,
                       dataset_.root));
    }
    return {id->subject, prompt[0] - '0', has_sample ? std::stoll(prompt.substr(2)) : 0};
  }

  void add(RatingTask task, int64_t run, const ItemKey& item, const json& score,
           const std::string& answer) {
    const double number = score.is_number() ? score.get<double>() : -1;
    const auto whole = static_cast<int64_t>(number);
    if (number < 0 || number > 4 || static_cast<double>(whole) != number) {
      fail(item.string(), format("{} is no score from 0 to 4", score.dump()));
    }
    if (rater_.empty()) {
      throw DataError(
          format("{}: does not say who rated: --judge NAME or --people NAME does", file_));
    }
    attempts_.push_back({.key = {task, run, item},
                         .status = RatingStatus::kOk,
                         .score = whole,
                         .answer = answer,
                         .judge = {.model = rater_, .rubric = "imported"}});
  }

  /// The folder that says what is rated, "concept_preservation_full2", and what follows "full".
  std::pair<std::optional<RatingTask>, std::string> folder() const {
    for (const fs::path& part : fs::absolute(file_)) {
      for (const auto& [name, task] : kFolders) {
        if (part.string().starts_with(name)) return {task, part.string().substr(name.size())};
      }
    }
    const std::string stem = file_.stem().string();
    if (stem.ends_with("-cp")) return {RatingTask::kCp, ""};
    if (stem.ends_with("-pf")) return {RatingTask::kPf, ""};
    return {};
  }
  RatingTask task() const {
    const auto task = options_.task ? options_.task : folder().first;
    if (task) return *task;
    throw DataError(
        format("{}: neither --task cp nor --task pf says what is rated, nor a folder like {}",
               file_, folder_of(RatingTask::kCp)));
  }
  int64_t run() const {
    if (options_.run) return *options_.run;
    const std::string number = folder().second;
    if (number.empty()) return 0;
    if (number.size() == 1 && number[0] >= '2' && number[0] <= '9') return number[0] - '1';
    throw DataError(
        format("{}: which run of the judge? full is 0, full2 is 1: --run 0 says it", file_));
  }

  fs::path file_;
  const Dataset& dataset_;
  const RatingFileOptions& options_;
  std::string rater_ = options_.rater;
  std::vector<Attempt> attempts_;
};

}  // namespace

std::vector<Attempt> read_rating_files(const fs::path& path, const Dataset& dataset,
                                       const RatingFileOptions& options) {
  std::vector<fs::path> files;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    if (files.empty()) throw DataError(format("{}: holds no .json file", path));
  } else {
    files.push_back(path);
  }
  std::vector<Attempt> all;
  for (const fs::path& file : files) {
    std::ranges::move(RatingFile(file, dataset, options).read(), std::back_inserter(all));
  }
  return all;
}

int64_t tie_to_pictures(std::vector<Attempt>& attempts, const std::vector<SampleFiles>& samples,
                        const fs::path& file) {
  std::map<ItemKey, fs::path> pictures;
  for (const SampleFiles& files : samples) {
    if (!files.generated.empty()) pictures.emplace(files.key, files.generated);
  }
  std::map<ItemKey, std::string> hashes;
  std::set<std::string> others;
  int64_t untold = 0;
  for (Attempt& attempt : attempts) {
    const ItemKey& item = attempt.key.item;
    const auto picture = pictures.find(item);
    if (picture == pictures.end()) continue;
    const auto [hash, is_new] = hashes.try_emplace(item);
    if (is_new) hash->second = sha256_hex(read_text(picture->second));
    if (attempt.generated_sha256.empty()) {
      attempt.generated_sha256 = hash->second;
      ++untold;
    } else if (attempt.generated_sha256 != hash->second) {
      others.insert(item.string());
    }
  }
  if (others.empty()) return untold;
  throw DataError(
      format("{}: rates other pictures than are there now ({}{}): name the samples that were shown "
             "in evaluate.samples, or have these rated on a new page of 'mentor evaluate rate'",
             file, *others.begin(),
             others.size() > 1 ? format(" and {} more", others.size() - 1) : std::string()));
}

ImportCounts import_attempts(RatingStore& store, const std::vector<Attempt>& attempts,
                             bool by_people) {
  Ratings known = last_attempts(store.attempts());
  std::erase_if(known, [](const auto& rating) { return !is_answered(rating.second.status); });
  ImportCounts counts;
  std::vector<const Attempt*> lacking;
  for (const Attempt& attempt : attempts) {
    if (!known.empty() && known.begin()->second.judge != attempt.judge) {
      throw DataError(
          format("the ratings so far are by '{}' ({}), these are by '{}' ({}): keep raters apart, "
                 "with another evaluate.out",
                 known.begin()->second.judge.model, known.begin()->second.judge.rubric,
                 attempt.judge.model, attempt.judge.rubric));
    }
    const auto [rating, is_new] = known.emplace(attempt.key, attempt);
    Attempt& before = rating->second;
    const bool is_same = before.score == attempt.score &&
                         (!by_people || before.generated_sha256 == attempt.generated_sha256);
    if (!is_new && is_same) continue;
    if (!is_new && !by_people) {
      throw DataError(
          format("{} of run {} has the {} score {} already, not {}: import another "
                 "judgement as another run (--run)",
                 attempt.key.item.string(), attempt.key.run, task_name(attempt.key.task),
                 before.score.value_or(-1), attempt.score.value_or(-1)));
    }
    ++(is_new ? counts.added : counts.changed);
    before = attempt;
    lacking.push_back(&attempt);
  }
  for (const Attempt* attempt : lacking) store.append(*attempt);
  return counts;
}

namespace {

std::string normalised(std::string method) {
  for (char& c : method) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ' ' || c == '-') c = '_';
  }
  return method;
}

/// One of thousands, in a folder that is not published yet.
void put_file(const fs::path& file, const std::string& text) {
  std::error_code said_by_the_writer;
  fs::create_directories(file.parent_path(), said_by_the_writer);
  FileWriter writer(file, file);
  writer.write(text);
  writer.close();
}

/// As Python's json.dump(..., indent=4) writes.
std::string python_text(const auto& value) { return value.dump(4, ' ', true); }

}  // namespace

void export_ratings(const Ratings& ratings, const Dataset& dataset, const std::string& method,
                    const fs::path& out) {
  const fs::path folder = out.has_filename() ? out : out.parent_path();  // "files/"
  if (method.empty() || method.find('/') != std::string::npos) {
    throw ConfigError(format("'{}' is no name for files: set evaluate.report.method", method));
  }
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error)) {
    throw UserError(format("{}: is not empty: choose a new folder to export to", folder));
  }
  const fs::path filling = fs::path(folder).concat(".tmp");
  fs::remove_all(filling, error);
  std::map<fs::path, json> merged;
  for (const auto& [key, attempt] : ratings) {
    const Subject* subject = dataset.find(key.item.subject);
    if (!attempt.score || key.item.sample != 0 || subject == nullptr) continue;
    const std::string run = key.run == 0 ? "" : format("{}", key.run + 1);
    const fs::path place = filling / format("{}{}", folder_of(key.task), run) / normalised(method);
    const std::string id = subject->collection_id();
    const std::string name = format("{}-{}", id, key.item.prompt);
    merged[place][name] = *attempt.score;
    const nlohmann::ordered_json answer = {{"method", method},
                                           {"collection_id", id},
                                           {"prompt_index", key.item.prompt},
                                           {"score", *attempt.score},
                                           {"content", attempt.answer}};
    put_file(place / format("{}-{}.json", method, name), python_text(answer));
  }
  if (merged.empty())
    throw DataError("no rating to export yet: 'mentor evaluate judge' makes them");
  for (const auto& [place, scores] : merged) {
    put_file(fs::path(place).concat(".json"), python_text(scores));
  }
  publish_directory(filling, folder);
}

}  // namespace mentor
