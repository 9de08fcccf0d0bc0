#pragma once

#include "mentor/eval/evaluation.h"
#include "support/drawn_dataset.h"
#include "support/temp_dir.h"

#include <functional>
#include <optional>
#include <string>

namespace mentor {

/// A small data set, its samples and what a judge said of them, in a folder of their own.
class JudgedFolder {
 public:
  using Score = std::function<std::optional<int64_t>(const RatingKey&)>;

  explicit JudgedFolder(int64_t side = 16) {
    config.dataset = dir / "data";
    config.samples = dir / "samples";
    config.out = dir / "out";
    draw_dataset(config.dataset, {{"live_subject/animal", 2}, {"object", 3}}, side);
    std::vector<std::string> problems;
    dataset = read_dataset(config.dataset, {Category::kAnimal, Category::kObject}, problems);
    draw_samples(config.samples, dataset, 1, side);
    config.categories = {"animal", "human", "object"};
  }

  /// An attempt for every item of the runs; none: the judge declined.
  void judge(const fs::path& file, int64_t runs, const Score& score,
             const std::string& model = "judge-1", const std::string& rubric = "own rubric") const {
    RatingStore store(file);
    for (const RatingTask task : {RatingTask::kCp, RatingTask::kPf}) {
      for (int64_t run = 0; run < runs; ++run) {
        for (const Subject& subject : dataset.subjects) {
          for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
            Attempt attempt;
            attempt.key = {task, run, {subject.key, prompt, 0}};
            attempt.score = score(attempt.key);
            attempt.status = attempt.score ? RatingStatus::kOk : RatingStatus::kRefused;
            attempt.answer = attempt.score ? "So <it> is.\nScore: 3" : "I cannot say.";
            attempt.error = attempt.score ? "" : "declined";
            attempt.judge = {.model = model, .rubric = rubric};
            store.append(attempt);
          }
        }
      }
    }
  }
  void judge(int64_t runs, const Score& score) const {
    judge(ratings_file(config.out), runs, score);
  }

  TempDir dir;
  EvaluateConfig config;
  Dataset dataset;
};

}  // namespace mentor
