#include "mentor/eval/dataset.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace mentor {
namespace {

struct CategoryFacts {
  std::string_view name, folder, id_prefix;
  int64_t subjects;
};

constexpr std::array<CategoryFacts, kCategories.size()> kFacts = {{
    {"animal", "live_subject/animal", "live_subject_animal_", 45},
    {"human", "live_subject/human", "live_subject_human_", 20},
    {"object", "object", "object_", 65},
    {"style", "style", "style_", 20},
}};

const CategoryFacts& facts(Category category) { return kFacts.at(static_cast<size_t>(category)); }

/// "07" -> 7; nothing for words and for numbers that no data set has.
std::optional<int64_t> parse_index(std::string_view digits) {
  if (digits.empty() || digits.size() > 4) return std::nullopt;
  int64_t index = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    index = 10 * index + (c - '0');
  }
  return index;
}

std::string trimmed(const std::string& line) {
  constexpr const char* kBlanks = " \t\r\n\v\f";
  const size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string::npos) return "";
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

/// Files with one of the suffixes in the folder of a category, by their numbers.
std::map<int64_t, fs::path> numbered_files(const fs::path& folder,
                                           const std::vector<std::string>& suffixes,
                                           std::vector<std::string>& problems) {
  std::map<int64_t, fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const fs::path& file = entry.path();
    if (std::ranges::find(suffixes, file.extension().string()) == suffixes.end()) continue;
    const std::optional<int64_t> index = parse_index(file.stem().string());
    if (!index) {
      problems.push_back(
          format("{}: is not called by a number, like 07{}", file, suffixes.front()));
    } else if (!files.emplace(*index, file).second) {
      problems.push_back(format("{}: has the number of {}", file, files.at(*index).filename()));
    }
  }
  return files;
}

/// Name and prompts of the caption file; false when they are not complete.
bool read_captions(const fs::path& file, Subject& subject, std::vector<std::string>& problems) {
  std::istringstream text(read_text(file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(trimmed(line));
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  const int64_t prompts = std::max<int64_t>(0, static_cast<int64_t>(lines.size()) - 1);
  if (prompts != kPromptsPerSubject) {
    problems.push_back(
        format("{}: {} prompts, not {}: line 1 is the subject, lines 2-10 are its prompts", file,
               prompts, kPromptsPerSubject));
    return false;
  }
  const auto empty = std::ranges::find(lines, "");
  if (empty != lines.end()) {
    problems.push_back(format("{}:{}: the line is empty", file, empty - lines.begin() + 1));
    return false;
  }
  subject.name = lines.front();
  std::copy(lines.begin() + 1, lines.end(), subject.prompts.begin());
  return true;
}

void read_category(Category category, Dataset& dataset, std::vector<std::string>& problems) {
  const fs::path images = dataset.root / "images" / facts(category).folder;
  const fs::path captions = dataset.root / "captions" / facts(category).folder;
  const auto caption_files = numbered_files(captions, {".txt"}, problems);
  const auto image_files = numbered_files(images, {".jpg", ".jpeg", ".png"}, problems);
  for (const auto& [index, file] : caption_files) {
    if (!image_files.contains(index)) {
      problems.push_back(format("{}: missing, but there is {}", images / file.stem().concat(".jpg"),
                                file.filename()));
    }
  }
  for (const auto& [index, image] : image_files) {
    Subject subject{.key = {category, index}, .image = image};
    const auto captions_of = caption_files.find(index);
    if (captions_of == caption_files.end()) {
      problems.push_back(format("{}: missing, but there is {}",
                                captions / image.stem().concat(".txt"), image.filename()));
    } else if (read_captions(captions_of->second, subject, problems)) {
      dataset.subjects.push_back(std::move(subject));
    }
  }
}

}  // namespace

int64_t published_subjects(Category category) { return facts(category).subjects; }

std::string_view category_name(Category category) { return facts(category).name; }

Category parse_category(std::string_view name) {
  for (const Category category : kCategories) {
    if (category_name(category) == name) return category;
  }
  throw ConfigError(format("'{}' is no category: animal, human, object or style", name));
}

std::vector<Category> parse_categories(const std::vector<std::string>& names) {
  std::vector<Category> categories;
  for (const std::string& name : names) categories.push_back(parse_category(name));
  return categories;
}

PromptGroup prompt_group(int64_t prompt) {
  if (prompt < 4) return PromptGroup::kPhotorealistic;
  return prompt < 7 ? PromptGroup::kStyleTransfer : PromptGroup::kImaginative;
}

std::string ItemKey::string() const {
  return format("{}_{:02}-{}_{}", category_name(subject.category), subject.index, prompt, sample);
}

std::string Subject::collection_id() const {
  std::string slug = name;
  for (char& c : slug) {
    if (c == ' ') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return format("{}{:02}_{}", facts(key.category).id_prefix, key.index, slug);
}

const Subject* Dataset::find(const SubjectKey& key) const {
  const auto found = std::ranges::lower_bound(subjects, key, {}, &Subject::key);
  return found != subjects.end() && found->key == key ? &*found : nullptr;
}

bool Dataset::has_published_size() const {
  return std::ranges::all_of(kCategories, [this](Category category) {
    const auto count = std::ranges::count_if(
        subjects, [&](const Subject& subject) { return subject.key.category == category; });
    return count == published_subjects(category);
  });
}

std::optional<CollectionId> parse_collection_id(std::string_view id) {
  for (const Category category : kCategories) {
    const std::string_view prefix = facts(category).id_prefix;
    if (!id.starts_with(prefix)) continue;
    const std::string_view rest = id.substr(prefix.size());
    const size_t end = rest.find('_');
    const std::optional<int64_t> index = parse_index(rest.substr(0, end));
    if (!index || end == std::string_view::npos) return std::nullopt;
    return CollectionId{{category, *index}, std::string(rest.substr(end + 1))};
  }
  return std::nullopt;
}

bool same_slug(std::string_view a, std::string_view b) {
  const auto is_cube = [](std::string_view slug) {
    return slug == "magic_cube" || slug == "rubik's_cube";  // object 20 of the published files
  };
  return a == b || (is_cube(a) && is_cube(b));
}

Dataset read_dataset(const fs::path& root, const std::vector<Category>& categories,
                     std::vector<std::string>& problems) {
  Dataset dataset{.root = root};
  for (const char* folder : {"images", "captions"}) {
    std::error_code error;
    if (fs::is_directory(root / folder, error)) continue;
    problems.push_back(
        format("{}: no such folder: the data set is a folder with images/ and captions/ (data/ of "
               "the unpacked data.zip)",
               root / folder));
    return dataset;
  }
  // A list may name a category twice; its subjects count once.
  const std::set<Category> ordered(categories.begin(), categories.end());
  for (const Category category : ordered) read_category(category, dataset, problems);
  if (dataset.subjects.empty() && problems.empty()) {
    problems.push_back(format("{}: holds no subject of the chosen categories", root));
  }
  return dataset;
}

}  // namespace mentor
