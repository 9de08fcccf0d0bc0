#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/eval/store.h"

#include <array>
#include <map>
#include <string>
#include <string_view>

namespace mentor {

inline constexpr const char* kOfficialRubric = "official";

/// What a judge is told before it sees a picture: its task, and the plan that it answered with.
struct RubricTexts {
  std::string user, assistant;
  std::string sha256;  // of both
};

/// The rules of rating.
struct Rubric {
  std::string label;  // "official", or why figures are not comparable
  RubricTexts subject, style, text;

  /// CP by the subject's rules, of the category style by those of style; PF by those of text.
  [[nodiscard]] const RubricTexts& of(RatingTask task, Category category) const;
};

/// The six prompt files of dreambench_plus in `folder`: official if all hashes are the published
/// ones. Without a folder our own rules. DataError for missing files.
[[nodiscard]] Rubric load_rubric(const fs::path& folder);

/// The hash of each part: "subject", "style" and "text", as its files are called.
using RubricHashes = std::map<std::string_view, std::string>;
[[nodiscard]] RubricHashes hashes_of(const Rubric& rubric);
/// Of the parts that the answers follow; nobody knows which imported scores do. DataError,
/// beginning with `where`, when they follow two rubrics: a mean over both would mean nothing.
[[nodiscard]] RubricHashes hashes_of(const Ratings& ratings, const fs::path& where);
/// A part that is in both and differs; "" if none does.
[[nodiscard]] std::string_view changed_part(const RubricHashes& one, const RubricHashes& other);

}  // namespace mentor
