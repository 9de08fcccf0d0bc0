#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/eval/store.h"

#include <array>
#include <string>

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

}  // namespace mentor
