#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/samples.h"
#include "mentor/eval/scores.h"
#include "mentor/eval/similarity.h"
#include "mentor/eval/store.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// One method's pictures and everything that was said of them.
struct Evaluation {
  std::string method;
  Dataset dataset;
  std::vector<RatingTask> tasks;  // none where nobody has rated
  int64_t runs = 1;               // of the judge, begun ones
  int64_t samples_per_prompt = 1;
  JudgeIdentity judge;
  Ratings ratings;
  std::vector<SampleFiles> samples;       // none where evaluate.samples is not set
  std::map<std::string, Ratings> people;  // by name
  Similarities similarities;              // of the pictures above

  /// Otherwise networks alone have seen the pictures.
  [[nodiscard]] bool is_rated() const { return !ratings.empty(); }
};

/// What is known of the chosen categories, tasks, samples and runs; a rating, by whomever, of a
/// picture that was replaced since is one that is missing. DataError with the cure: neither ratings
/// nor similarities yet, ratings of several judges, a data set that is broken.
[[nodiscard]] Evaluation load_evaluation(const EvaluateConfig& config);

/// The data set of the configuration. ConfigError and DataError with all that is wrong.
[[nodiscard]] Dataset load_dataset(const EvaluateConfig& config);

/// Where ratings of a person or a group of people are kept.
[[nodiscard]] fs::path people_file(const fs::path& out_folder, const std::string& name);

/// The one judge of all ratings that got an answer; DataError, beginning with `where`, if there are
/// several, if one followed several rubrics, and without ratings.
[[nodiscard]] JudgeIdentity only_judge(const Ratings& ratings, const fs::path& where);

/// Every item to be rated.
[[nodiscard]] std::vector<ItemScore> item_scores(const Evaluation& evaluation);
/// The same where only ratings are known: `expected` has the keys.
[[nodiscard]] std::vector<ItemScore> item_scores(const Ratings& ratings, const Ratings& expected);

/// Why the figures cannot stand beside the published ones; empty: they can.
[[nodiscard]] std::vector<std::string> why_not_comparable(const Evaluation& evaluation);

/// How far two raters agree, means over all pairs of one side with the other.
struct Agreement {
  std::string between;  // "runs of the judge", "judge and group1", "people"
  RatingTask task = RatingTask::kCp;
  int64_t items = 0;                     // that both rated
  std::optional<double> alpha, pearson;  // Krippendorff's, interval level
};
[[nodiscard]] std::vector<Agreement> agreements(const Evaluation& evaluation);

/// What the judge says where the right answer is known.
struct JudgeCheck {
  std::string name;      // "references themselves"
  std::string expected;  // "CP 1"
  ScoreTable table;      // over the subjects of the evaluation
};
/// DataError where the judge of a check or its rubric is another one.
[[nodiscard]] std::vector<JudgeCheck> judge_checks(const EvaluationReportConfig& config,
                                                   const Evaluation& evaluation);

}  // namespace mentor
