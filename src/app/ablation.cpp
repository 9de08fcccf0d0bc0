#include "mentor/app/ablation.h"

#include "ablation_parts.h"
#include "ablation_plan.h"
#include "ablation_report.h"
#include "mentor/core/cpu_features.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/core/progress.h"
#include "mentor/train/run_log.h"

#include <algorithm>
#include <optional>
#include <ostream>

namespace mentor {
namespace {

/// The steps that all trainings together are at, from what they write while they run.
class StepCount {
 public:
  explicit StepCount(const AblationPlan& plan) {
    int64_t left = 0;
    for (const PlannedTraining& training : plan.trainings) {
      const RunConfig& config = training.run.config;
      const int64_t done = plan.steps_done(training);
      if (done >= config.train.steps) continue;
      left += config.train.steps - done;
      runs_.push_back(
          {.metrics = config.train.out / "metrics.jsonl", .at = done, .last = config.train.steps});
    }
    if (left > 0)
      progress_.emplace(ProgressOptions{.what = "train", .unit = "steps", .total = left});
  }

  void update() {
    for (Run& run : runs_) {
      if (run.at == run.last || !fs::exists(run.metrics)) continue;
      const RunRecords records = read_metrics(run.metrics);
      if (records.train.empty() || records.train.back().step <= run.at) continue;
      progress_->advance(records.train.back().step - run.at);
      run.at = records.train.back().step;
    }
  }

 private:
  struct Run {
    fs::path metrics;
    int64_t at = 0, last = 0;
  };
  std::vector<Run> runs_;
  std::optional<Progress> progress_;
};

void say_plan(const AblationPlan& plan, const std::vector<Job>& jobs, std::ostream& out) {
  int64_t steps = 0;
  for (const PlannedTraining& training : plan.trainings) {
    const int64_t done = plan.steps_done(training), all = training.run.config.train.steps;
    steps += std::max<int64_t>(0, all - done);
    out << format("{:<44} {:>6} steps{}\n", training.name, all,
                  done == 0 ? "" : format(", {} of them done", done));
  }
  out << format("{} trainings, {} drawings of {} cases; {} steps and {} commands to go\n",
                plan.trainings.size(), plan.drawings.size(), plan.cases.config.toy.records, steps,
                jobs.size());
}

}  // namespace

int ablate(const AblateOptions& options, std::ostream& out) {
  const AblationPlan plan = plan_ablation(options.ablation);
  const std::vector<Job> jobs = plan.jobs();
  if (options.plan_only) {
    say_plan(plan, jobs, out);
    return 0;
  }
  require_parts(plan);
  write_run_configs(plan);
  keep_parts(plan);
  const int64_t cores = physical_cores();
  std::optional<StepCount> steps(plan);
  const int code =
      run_jobs(jobs, {.num_processes = options.num_processes > 0 ? options.num_processes : cores,
                      .watch = [&] { steps->update(); }});
  steps.reset();
  if (code != 0) return code;
  write_ablation_report(plan, out);
  return 0;
}

}  // namespace mentor
