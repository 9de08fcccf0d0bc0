#include "mentor/eval/sample_folder.h"

#include "line_store.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/sha256.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace mentor {
namespace {

using Json = nlohmann::ordered_json;
using Records = std::map<fs::path, SampleRecord>;  // by the name of the picture without suffix

constexpr const char* kParts[] = {"src_image", "tgt_image", "text"};

fs::path manifest_file(const fs::path& root) { return root / "manifest.json"; }
/// What a rank has drawn since the manifest was written, a line each.
fs::path journal_file(const fs::path& root, int64_t rank) {
  return root / format("drawn.{}.jsonl", rank);
}
bool is_journal(const fs::path& file) {
  return file.filename().string().starts_with("drawn.") && file.extension() == ".jsonl";
}

std::vector<fs::path> journals(const fs::path& root) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root, none)) {
    if (is_journal(entry.path())) files.push_back(entry.path());
  }
  return files;
}

std::string json_line(const SampleRecord& record) {
  return Json{{"subject", record.subject},
              {"picture", record.stem},
              {"seed", record.seed},
              {"sha256", record.sha256},
              {"reference_sha256", record.reference_sha256},
              {"prompt", record.prompt}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

void take(const Json& line, Records& records) {
  SampleRecord record{.subject = line.at("subject"),
                      .stem = line.at("picture"),
                      .prompt = line.at("prompt"),
                      .seed = line.at("seed"),
                      .reference_sha256 = line.at("reference_sha256"),
                      .sha256 = line.at("sha256")};
  const fs::path name = fs::path(record.subject) / record.stem;
  records.insert_or_assign(name, std::move(record));
}

/// Whole lines only: a process that was killed may have left half of one.
void read_journal(const fs::path& file, Records& records) {
  const std::string text = read_text(file);
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const Json line = Json::parse(text.substr(begin, end - begin), nullptr, false);
    if (!line.is_discarded()) take(line, records);
  }
}

struct Manifest {
  SampleOrigin origin;
  Records records;
};

Manifest read_manifest(const fs::path& root) {
  Manifest manifest;
  try {
    const Json json = Json::parse(read_text(manifest_file(root)));
    manifest.origin = {.settings = json.at("settings"), .weights = json.at("weights")};
    for (const Json& line : json.at("pictures")) take(line, manifest.records);
  } catch (const Json::exception& e) {
    throw DataError(
        format("{}: is no list of pictures that 'mentor evaluate' drew ({}): name another folder",
               manifest_file(root), e.what()));
  }
  return manifest;
}

/// A line for each picture, so that people can read it, too.
void write_manifest(const fs::path& root, const Manifest& manifest) {
  std::string lines;
  for (const auto& [name, record] : manifest.records) {
    lines += (lines.empty() ? "\n" : ",\n") + json_line(record);
  }
  write_text(manifest_file(root), format("{{\n\"settings\": {},\n\"weights\": {},\n\"pictures\": "
                                         "[{}\n]\n}}\n",
                                         Json(manifest.origin.settings).dump(2),
                                         Json(manifest.origin.weights).dump(2), lines));
}

/// "guidance_scale was 7.5, is 3" of what differs, the first eight: of another model much does.
std::string differences(const std::map<std::string, std::string>& before,
                        const std::map<std::string, std::string>& now, const char* prefix) {
  constexpr int kMost = 8;
  int count = 0;
  std::string text;
  const auto value = [](const auto& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? "absent" : found->second;
  };
  std::map<std::string, std::string> all = before;
  all.insert(now.begin(), now.end());
  for (const auto& [key, ignored] : all) {
    const std::string was = value(before, key), is = value(now, key);
    if (was == is || ++count > kMost) continue;
    text += format("{}{}{} was {}, is {}", text.empty() ? "" : ", ", prefix, key, was, is);
  }
  return count > kMost ? format("{} and {} more", text, count - kMost) : text;
}

std::string differences(const SampleOrigin& before, const SampleOrigin& now) {
  const std::string settings = differences(before.settings, now.settings, "");
  const std::string weights = differences(before.weights, now.weights, "weights.");
  return settings + (settings.empty() || weights.empty() ? "" : ", ") + weights;
}

/// Pictures first and the manifest last: a second start finds what a killed one has left.
void remove_all_pictures(const fs::path& root) {
  std::error_code error;
  for (const char* part : kParts) {
    fs::remove_all(root / part, error);
    if (error) throw UserError(format("{}: cannot delete: {}", root / part, error.message()));
  }
  for (const fs::path& file : journals(root)) fs::resize_file(file, 0, error);
  fs::remove(manifest_file(root), error);
}

}  // namespace

bool holds_foreign_samples(const fs::path& root) {
  std::error_code none;
  return fs::exists(root / "tgt_image", none) && !fs::exists(manifest_file(root), none);
}

struct SampleFolder::State {
  SampleFolderOptions options;
  Records records;
  LineStore journal;

  explicit State(SampleFolderOptions given)
      : options(std::move(given)),
        journal(journal_file(options.root, options.rank),
                format("another 'mentor evaluate' fills the folder: wait, or name another {}",
                       options.named)) {}

  /// Rank 0: what all ranks have drawn goes into the manifest, and their lines go.
  void gather() {
    const fs::path& root = options.root;
    Manifest manifest = read_manifest(root);
    for (const fs::path& file : journals(root)) read_journal(file, manifest.records);
    write_manifest(root, manifest);
    std::error_code error;
    for (const fs::path& file : journals(root)) {
      if (file == journal_file(root, options.rank)) {
        journal.clear();
      } else {
        fs::remove(file, error);
      }
    }
  }

  void check_origin() {
    const fs::path& root = options.root;
    std::error_code error;
    if (fs::exists(manifest_file(root), error)) {
      const std::string changes = differences(read_manifest(root).origin, options.origin);
      if (changes.empty()) return;
      if (!options.redraw) {
        const std::string or_redraw =
            options.redraw_key.empty()
                ? ""
                : format(", or set {}=true, which deletes them", options.redraw_key);
        throw UserError(format("{}: holds pictures drawn otherwise ({}): name another {}{}", root,
                               changes, options.named, or_redraw));
      }
      remove_all_pictures(root);
    } else if (holds_foreign_samples(root)) {
      throw UserError(
          format("{}: holds pictures that 'mentor evaluate' did not draw (there is no "
                 "manifest.json): name another {}",
                 root, options.named));
    }
    write_manifest(root, {.origin = options.origin, .records = {}});
  }

  [[nodiscard]] fs::path file_of(const char* part, const SampleRecord& record,
                                 const std::string& suffix) const {
    return options.root / part / record.subject / (record.stem + suffix);
  }
};

SampleFolder::SampleFolder(SampleFolderOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
  State& s = *state_;
  const fs::path& root = s.options.root;
  if (s.options.rank == 0) {
    s.check_origin();
    s.gather();
    write_text(root / "negative_prompt.txt", "");
  }
  s.records = read_manifest(root).records;
}

SampleFolder::~SampleFolder() = default;

bool SampleFolder::has(const SampleRecord& wanted) const {
  const State& s = *state_;
  const auto found = s.records.find(fs::path(wanted.subject) / wanted.stem);
  if (found == s.records.end()) return false;
  const SampleRecord& drawn = found->second;
  if (drawn.seed != wanted.seed || drawn.prompt != wanted.prompt ||
      drawn.reference_sha256 != wanted.reference_sha256) {
    return false;
  }
  std::error_code error;
  const fs::path picture = s.file_of("tgt_image", wanted, s.options.suffix);
  return fs::is_regular_file(s.file_of("src_image", wanted, s.options.suffix), error) &&
         fs::is_regular_file(s.file_of("text", wanted, ".txt"), error) &&
         fs::is_regular_file(picture, error) && sha256_hex(read_text(picture)) == drawn.sha256;
}

void SampleFolder::add(SampleRecord record, const std::string& picture,
                       const std::string& reference, const std::string& caption) {
  State& s = *state_;
  write_text(s.file_of("src_image", record, s.options.suffix), reference);
  write_text(s.file_of("tgt_image", record, s.options.suffix), picture);
  write_text(s.file_of("text", record, ".txt"), caption);
  record.sha256 = sha256_hex(picture);
  s.journal.append(json_line(record) + "\n");
}

void SampleFolder::finish() {
  state_->gather();
  std::error_code ignored;
  fs::remove(journal_file(state_->options.root, state_->options.rank), ignored);
}

}  // namespace mentor
