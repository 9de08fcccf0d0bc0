#include "mentor/app/evaluate_report.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/evaluation.h"
#include "mentor/eval/rating_files.h"
#include "mentor/eval/rating_page.h"
#include "mentor/eval/report.h"

#include <map>
#include <ostream>

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

void import_ratings(const ImportOptions& options, std::ostream& out) {
  const EvaluateConfig& config = options.config.evaluate;
  require_out(config);
  RatingFileOptions reading{.rater = options.judge.empty() ? options.people : options.judge,
                            .run = options.run,
                            .samples = name_of_samples(config.samples)};
  if (options.task) reading.task = parse_rating_task(*options.task);
  const Dataset dataset = load_dataset(config);
  // All files are read before any store is written.
  std::map<fs::path, std::vector<Attempt>> by_store;
  for (const fs::path& file : options.files) {
    for (const Attempt& attempt : read_rating_files(file, dataset, reading)) {
      const std::string& rater = attempt.judge.model;
      const bool by_judge = !options.judge.empty() && rater == options.judge;
      by_store[by_judge ? ratings_file(config.out) : people_file(config.out, rater)].push_back(
          attempt);
    }
  }
  for (const auto& [file, attempts] : by_store) {
    RatingStore store(file);
    const int64_t added = import_attempts(store, attempts);
    out << format("{}: {} of {} ratings are new\n", file, added, attempts.size());
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
