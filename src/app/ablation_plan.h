#pragma once

#include "mentor/app/ablation.h"
#include "mentor/app/run_config.h"
#include "mentor/core/filesystem.h"
#include "mentor/dist/jobs.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mentor {

/// A run of `mentor train`, shared by all rows that it is the same for.
struct PlannedTraining {
  std::string name;  // "full/seed_0/stage2": its folder in that of the table
  LoadedRunConfig run;
  std::optional<size_t> after;  // the training whose weights it starts from
};

/// Pictures of all cases by one training.
struct PlannedDrawing {
  std::string name;  // "full/seed_0/guidance_1.25"
  LoadedRunConfig run;
  size_t training = 0;
};

/// A line of the table or a point of a figure.
struct PlannedRow {
  std::string name;
  std::string paper = "none";
  bool is_control = false;       // has another budget than the table
  std::vector<size_t> drawings;  // one for each seed
};

/// All that a table needs, each thing after those that it needs.
struct AblationPlan {
  fs::path out;
  LoadedRunConfig cases;
  std::vector<PlannedTraining> trainings;
  std::vector<PlannedDrawing> drawings;
  std::vector<PlannedRow> rows;                         // in the paper's order
  std::vector<std::pair<double, PlannedRow>> guidance;  // by scale; of the full model
  std::vector<std::pair<double, PlannedRow>> dropout;   // by share

  [[nodiscard]] fs::path cases_folder() const { return out / "cases"; }
  [[nodiscard]] fs::path cases_file() const { return cases_folder() / "subject.jsonl"; }
  [[nodiscard]] fs::path pictures(const PlannedDrawing& drawing) const {
    return out / drawing.name / "pictures";
  }
  [[nodiscard]] fs::path scores(const PlannedDrawing& drawing) const {
    return out / drawing.name / "scores.json";
  }
  [[nodiscard]] int64_t steps_done(const PlannedTraining& training) const;
  [[nodiscard]] bool is_done(const PlannedTraining& training) const {
    return steps_done(training) >= training.run.config.train.steps;
  }
  /// What is not done yet, for run_jobs().
  [[nodiscard]] std::vector<Job> jobs() const;
};

/// ConfigError with the place of what does not fit.
[[nodiscard]] AblationPlan plan_ablation(const LoadedAblation& ablation);

/// Writes each run's configuration into its folder. UserError where there is another one.
void write_run_configs(const AblationPlan& plan);

}  // namespace mentor
