#pragma once

#include "mentor/eval/scores.h"

#include <functional>
#include <vector>

namespace mentor {

struct Subjects {
  Category category;
  int64_t count;
};

inline const std::vector<Subjects> kPublishedSubjects = {{Category::kAnimal, 45},
                                                         {Category::kHuman, 20},
                                                         {Category::kObject, 65},
                                                         {Category::kStyle, 20}};

/// Both tasks of all nine prompts of the subjects, over `runs` runs, scored by `score`.
inline std::vector<ItemScore> make_scores(
    const std::vector<Subjects>& subjects, int64_t runs,
    const std::function<std::optional<int64_t>(const RatingKey&)>& score) {
  std::vector<ItemScore> items;
  for (const RatingTask task : {RatingTask::kCp, RatingTask::kPf}) {
    for (int64_t run = 0; run < runs; ++run) {
      for (const auto& [category, count] : subjects) {
        for (int64_t index = 0; index < count; ++index) {
          for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
            const RatingKey key = {task, run, {{category, index}, prompt, 0}};
            items.push_back({key, score(key)});
          }
        }
      }
    }
  }
  return items;
}

}  // namespace mentor
