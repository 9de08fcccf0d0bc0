#include "mentor/app/evaluate_report.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/eval/evaluation.h"
#include "mentor/eval/rating_files.h"
#include "mentor/eval/rating_page.h"
#include "mentor/eval/report.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <utility>

namespace mentor {
namespace {

void require_out(const EvaluateConfig& config) {
  if (config.out.empty()) {
    throw ConfigError("evaluate.out: is not set: name the folder of the ratings");
  }
}

}  // namespace

void report_evaluation(const LoadedRunConfig& run, std::ostream& out) {
  const EvaluateConfig& config = run.config.evaluate;
  require_out(config);
  const EvaluationFigures figures = write_evaluation_report(
      config, {.configuration = dump_config(run.config, run.origins, /*minimal=*/true),
               .threads = run.config.runtime.cpu_threads()});
  for (const Cell cell : {Cell::kCp, Cell::kPf, Cell::kProduct}) {
    const CellScore& score = figures.table[cell];
    if (score.expected == 0 && !figures.likeness.metrics.empty()) continue;  // nobody has rated
    const std::string name(cell == Cell::kProduct ? "CP*PF" : name_of(cell));
    out << format("{:<6} {}   95 % interval {}\n", name, cell_text(score),
                  interval_text(score.interval));
  }
  out << likeness_text(figures.likeness);
  for (const std::string& reason : figures.not_comparable) {
    out << "not comparable with published figures: " << reason << "\n";
  }
  out << format("{}\n", config.out / "report.html");
}

void compare_evaluations(const ComparisonOptions& options, const std::optional<fs::path>& json,
                         std::ostream& out) {
  const MethodComparison comparison = compare_methods(options);
  if (json) write_text(*json, comparison_json(comparison));
  out << comparison_text(comparison);
}

namespace {

/// People rate once, and a judge in as many runs as the configuration says.
void warn_of_unread_runs(const fs::path& store, const std::vector<Attempt>& attempts,
                         const std::optional<int64_t>& judge_runs) {
  int64_t last = 0;
  for (const Attempt& attempt : attempts) last = std::max(last, attempt.key.run);
  if (last < judge_runs.value_or(1)) return;
  log::warn("{}: the report will not read run {} (the first is 0): {}", store, last,
            judge_runs ? format("set evaluate.judge.runs to {} or more", last + 1)
                       : std::string("import what people rated without --run"));
}

}  // namespace

void import_ratings(const ImportOptions& options, std::ostream& out) {
  const EvaluateConfig& config = options.config.evaluate;
  require_out(config);
  RatingFileOptions reading{.rater = options.judge.empty() ? options.people : options.judge,
                            .run = options.run,
                            .samples = name_of_samples(config.samples),
                            .by_people = options.judge.empty()};
  if (options.task) reading.task = parse_rating_task(*options.task);
  const Dataset dataset = load_dataset(config);
  std::vector<SampleFiles> samples;
  if (!config.samples.empty()) {
    samples = read_samples(config.samples, dataset, config.samples_per_prompt).items;
  }
  const fs::path judge_store = ratings_file(config.out);
  // All files are read before any store is written.
  std::map<fs::path, std::vector<Attempt>> by_store;
  for (const fs::path& file : options.files) {
    std::vector<Attempt> of_people;
    for (Attempt& attempt : read_rating_files(file, dataset, reading)) {
      const bool by_judge = !options.judge.empty() && attempt.judge.model == options.judge;
      (by_judge ? by_store[judge_store] : of_people).push_back(std::move(attempt));
    }
    const int64_t untold = tie_to_pictures(of_people, samples, file);
    if (untold > 0) {
      log::warn(
          "{}: {} ratings do not say which pictures were shown: they are taken for ratings "
          "of those in {}",
          file, untold, config.samples);
    }
    for (Attempt& attempt : of_people) {
      by_store[people_file(config.out, attempt.judge.model)].push_back(std::move(attempt));
    }
  }
  for (const auto& [file, attempts] : by_store) {
    const bool by_judge = file == judge_store;
    RatingStore store(file);
    const ImportCounts counts = import_attempts(store, attempts, /*by_people=*/!by_judge);
    out << format(
        "{}: {} of {} ratings are new{}\n", file, counts.added, attempts.size(),
        counts.changed > 0 ? format(", {} replace earlier ones", counts.changed) : std::string());
    warn_of_unread_runs(file, attempts, by_judge ? std::optional(config.judge.runs) : std::nullopt);
  }
}

void export_evaluation(const RunConfig& config, const fs::path& folder, std::ostream& out) {
  require_out(config.evaluate);
  const Evaluation evaluation = load_evaluation(config.evaluate);
  export_ratings(evaluation.ratings, evaluation.dataset, evaluation.method, folder);
  out << format("{}\n", folder);
}

void write_rating_page(const RateOptions& options, std::ostream& out) {
  const EvaluateConfig& config = options.config.evaluate;
  if (config.samples.empty()) {
    throw ConfigError("evaluate.samples: is not set: name the folder of one method's pictures");
  }
  std::vector<fs::path> samples = {config.samples};
  if (options.against) samples.push_back(*options.against);
  write_text(options.page,
             rating_page(load_dataset(config), {.samples = samples,
                                                .count = options.count,
                                                .seed = static_cast<uint64_t>(options.seed),
                                                .threads = options.config.runtime.cpu_threads()}));
  out << format("{}: open it in a browser, rate, save; then mentor evaluate import FILE\n",
                options.page);
}

}  // namespace mentor
