#pragma once

#include "mentor/core/filesystem.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

// DreamBench++ (arXiv 2406.16855) on disk: images/FOLDER/NN.jpg (ours also take .png and .jpeg) and
// captions/FOLDER/NN.txt.

enum class Category { kAnimal, kHuman, kObject, kStyle };
inline constexpr std::array kCategories = {Category::kAnimal, Category::kHuman, Category::kObject,
                                           Category::kStyle};
inline constexpr int64_t kPromptsPerSubject = 9;

/// Subjects of the category in the published data set: 45, 20, 65, 20.
[[nodiscard]] int64_t published_subjects(Category category);
[[nodiscard]] std::string_view category_name(Category category);  // "animal"
/// ConfigError for a word that is no category.
[[nodiscard]] Category parse_category(std::string_view name);
[[nodiscard]] std::vector<Category> parse_categories(const std::vector<std::string>& names);

/// What the nine prompts of a subject ask for: 0-3, 4-6, 7-8.
enum class PromptGroup { kPhotorealistic, kStyleTransfer, kImaginative };
[[nodiscard]] PromptGroup prompt_group(int64_t prompt);

/// Subjects are told apart by category and number; words for them differ between files (object 20
/// is a magic cube here and a rubik's cube there).
struct SubjectKey {
  Category category = Category::kAnimal;
  int64_t index = 0;
  friend auto operator<=>(const SubjectKey&, const SubjectKey&) = default;
};

/// One generated picture: prompt 0-8 of a subject, and which of several pictures of it.
struct ItemKey {
  SubjectKey subject;
  int64_t prompt = 0;
  int64_t sample = 0;
  [[nodiscard]] std::string string() const;  // "object_20-3_0"
  friend auto operator<=>(const ItemKey&, const ItemKey&) = default;
};

struct Subject {
  SubjectKey key;
  std::string name;  // "wolf plushie"
  std::array<std::string, kPromptsPerSubject> prompts;
  fs::path image;

  /// "object_20_wolf_plushie", "live_subject_animal_00_cat": its folder among samples.
  [[nodiscard]] std::string collection_id() const;
};

struct Dataset {
  fs::path root;
  std::vector<Subject> subjects;  // ascending keys, which is the order of the collection ids

  [[nodiscard]] const Subject* find(const SubjectKey& key) const;
  /// Whether every category has as many subjects as the published data set.
  [[nodiscard]] bool has_published_size() const;
};

/// The subject that a collection id names, and the word behind its number.
struct CollectionId {
  SubjectKey subject;
  std::string slug;
};
[[nodiscard]] std::optional<CollectionId> parse_collection_id(std::string_view id);
/// Whether the words mean the same subject: equal, or known to be used for one another.
[[nodiscard]] bool same_slug(std::string_view a, std::string_view b);

/// Reads the captions of `categories` and finds the pictures; decodes none. What is wrong goes to
/// `problems`, one line each that begins with the file.
[[nodiscard]] Dataset read_dataset(const fs::path& root, const std::vector<Category>& categories,
                                   std::vector<std::string>& problems);

}  // namespace mentor
