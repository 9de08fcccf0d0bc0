#include "mentor/eval/samples.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <map>

namespace mentor {
namespace {

using Folders = std::map<SubjectKey, fs::path>;

/// The folders of subjects in src_image/, tgt_image/ or text/; subjects by another name are wrong.
Folders subject_folders(const fs::path& parent, const Dataset& dataset,
                        std::vector<std::string>& problems) {
  Folders folders;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, error)) {
    if (!entry.is_directory()) continue;
    const auto id = parse_collection_id(entry.path().filename().string());
    const Subject* subject = id ? dataset.find(id->subject) : nullptr;
    if (subject == nullptr) continue;  // of a category that was not chosen
    const std::string expected = subject->collection_id();
    if (!same_slug(id->slug, parse_collection_id(expected)->slug)) {
      problems.push_back(
          format("{}: of another subject than in the data set, where this number is {}: were the "
                 "samples drawn from another data set?",
                 entry.path(), expected));
    } else if (!folders.emplace(subject->key, entry.path()).second) {
      problems.push_back(format("{}: a second folder of {}", entry.path(), expected));
    }
  }
  return folders;
}

/// The file of `stem` with one of the suffixes; "" where there is none.
fs::path find_file(const fs::path& folder, const std::string& stem,
                   const std::vector<std::string>& suffixes) {
  for (const std::string& suffix : suffixes) {
    const fs::path file = folder / (stem + suffix);
    std::error_code error;
    if (fs::is_regular_file(file, error)) return file;
  }
  return {};
}

std::string first_line(const fs::path& file) {
  std::string text = read_text(file);
  constexpr const char* kBlanks = " \t\r\n";
  text.erase(0, std::min(text.find_first_not_of(kBlanks), text.size()));
  text = text.substr(0, text.find('\n'));
  text.erase(text.find_last_not_of(kBlanks) + 1);
  return text;
}

/// One of the three folders of a set of samples.
struct Part {
  fs::path root;
  std::vector<std::string> suffixes;
  Folders folders;

  /// The file of a picture; where it is missing, its place goes to `missing`.
  fs::path file_of(const Subject& subject, const std::string& stem,
                   std::vector<std::string>& missing) const {
    const auto found = folders.find(subject.key);
    const fs::path folder = found != folders.end() ? found->second : root / subject.collection_id();
    fs::path file = found != folders.end() ? find_file(folder, stem, suffixes) : fs::path();
    if (file.empty()) missing.push_back(format("{}: missing", folder / (stem + suffixes.front())));
    return file;
  }
};

}  // namespace

std::string name_of_samples(const fs::path& folder) {
  return fs::weakly_canonical(folder).filename().string();
}

SampleSet read_samples(const fs::path& root, const Dataset& dataset, int64_t samples_per_prompt) {
  SampleSet set;
  const std::vector<std::string> pictures = {".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"};
  std::vector<Part> parts;
  for (const char* name : {"src_image", "tgt_image", "text"}) {
    Part part{root / name,
              name == std::string("text") ? std::vector<std::string>{".txt"} : pictures};
    std::error_code error;
    if (!fs::is_directory(part.root, error)) {
      set.problems.push_back(format(
          "{}: no such folder: samples are a folder with src_image/, tgt_image/ and text/ of "
          "one method",
          part.root));
      return set;
    }
    part.folders = subject_folders(part.root, dataset, set.problems);
    parts.push_back(std::move(part));
  }
  for (const Subject& subject : dataset.subjects) {
    for (int64_t p = 0; p < kPromptsPerSubject; ++p) {
      for (int64_t j = 0; j < samples_per_prompt; ++j) {
        const std::string stem = format("{}_{}", p, j);
        SampleFiles item{.key = {.subject = subject.key, .prompt = p, .sample = j},
                         .reference = parts[0].file_of(subject, stem, set.missing),
                         .generated = parts[1].file_of(subject, stem, set.missing)};
        const fs::path text = parts[2].file_of(subject, stem, set.missing);
        if (!text.empty()) {
          item.caption = first_line(text);
          if (item.caption.empty()) set.missing.push_back(format("{}: is empty", text));
        }
        const std::string& prompt = subject.prompts.at(static_cast<size_t>(p));
        if (!item.caption.empty() && item.caption != prompt) {
          set.other_captions.push_back(
              format("{}: '{}', where the data set has '{}'", text, item.caption, prompt));
        }
        set.items.push_back(std::move(item));
      }
    }
  }
  return set;
}

}  // namespace mentor
