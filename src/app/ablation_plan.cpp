#include "ablation_plan.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/published.h"
#include "mentor/train/checkpoint_folder.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace mentor {
namespace {

constexpr const char* kOrigin = "mentor toy ablate";

using NamedRow = std::pair<std::string, AblationRow>;

Override own(const std::string& path, const std::string& value) {
  return {.path = path, .value = value, .origin = kOrigin};
}

/// Samples of an epoch.
double epoch_samples(const LoadedRunConfig& run) {
  double samples = 0;
  for (const auto& [name, entry] : run.config.data.mixture) {
    if (entry.samples < 0) {
      const std::string path = "data.mixture." + name;
      throw ConfigError(format("{}{}.samples: is needed for an ablation, which compares shares",
                               run.origins.where(path), path));
    }
    samples += static_cast<double>(entry.samples);
  }
  return samples;
}

void require_steps(const LoadedRunConfig& run) {
  if (run.config.train.steps > 0 && epoch_samples(run) > 0) return;
  throw ConfigError(format(
      "{}train.steps: an ablation needs their number, and samples in data.mixture to train on",
      run.origins.where("train.steps")));
}

/// Ablations stand beside the rows of the paper, and in their order.
int64_t place_in_paper(const std::string& paper) {
  const std::span<const PublishedRow> rows = published_ablations().rows;
  return std::ranges::find(rows, std::string_view(paper), &PublishedRow::method) - rows.begin();
}

class Planner {
 public:
  explicit Planner(const LoadedAblation& ablation)
      : ablation_(ablation), config_(ablation.config) {}

  [[nodiscard]] AblationPlan make();

 private:
  [[nodiscard]] std::vector<NamedRow> rows_in_order() const;
  void append(std::vector<Override>& overrides, const std::string& path,
              const std::vector<std::string>& assignments) const;
  [[nodiscard]] LoadedRunConfig load_stage(int stage, const NamedRow* row, int64_t seed) const;
  [[nodiscard]] bool removes_steps(const NamedRow& row) const {
    return (row.second.budget == "default" ? config_.budget : row.second.budget) == "removed";
  }
  [[nodiscard]] int64_t share_of_steps(const NamedRow& row, int stage,
                                       const LoadedRunConfig& run) const;
  size_t add_training(const std::string& name, LoadedRunConfig run, std::optional<size_t> after);
  size_t add_drawing(size_t training, double guidance_scale);
  [[nodiscard]] size_t train(const NamedRow& row, int64_t seed);
  PlannedRow add_row(const NamedRow& row, int64_t seeds);
  void add_sweeps(const NamedRow& full);

  const LoadedAblation& ablation_;
  const AblationConfig& config_;
  AblationPlan plan_;
  std::map<std::string, size_t> by_identity_;  // the configuration without its folder
  std::map<std::string, size_t> drawings_;     // by name
};

std::vector<NamedRow> Planner::rows_in_order() const {
  std::vector<NamedRow> rows(config_.rows.begin(), config_.rows.end());
  std::ranges::stable_sort(rows, {},
                           [](const NamedRow& row) { return place_in_paper(row.second.paper); });
  const auto full =
      std::ranges::count_if(rows, [](const NamedRow& row) { return row.second.paper == "MENTOR"; });
  if (full != 1) {
    throw ConfigError(
        format("{}rows: {} of them have 'paper: MENTOR', but one is the full model that the others "
               "are compared with",
               ablation_.origins.where("rows"), full));
  }
  if (config_.rows.contains("cases")) {
    throw ConfigError(format("{}rows.cases: is the folder of what is drawn: choose another name",
                             ablation_.origins.where("rows.cases")));
  }
  return rows;
}

void Planner::append(std::vector<Override>& overrides, const std::string& path,
                     const std::vector<std::string>& assignments) const {
  for (const std::string& assignment : assignments) {
    overrides.push_back(parse_override(assignment, ablation_.origins.where(path) + path));
  }
}

/// A stage's configuration; without a row what the rows have in common.
LoadedRunConfig Planner::load_stage(int stage, const NamedRow* row, int64_t seed) const {
  const std::string name = format("stage{}", stage);
  const fs::path& file = stage == 1 ? config_.stage1 : config_.stage2;
  if (file.empty()) {
    throw ConfigError(format("{}{}: is needed: a configuration of 'mentor train'",
                             ablation_.origins.where(name), name));
  }
  std::vector<Override> overrides = {own("runtime.threads", "1")};
  append(overrides, "set", config_.set);
  append(overrides, "set_" + name, stage == 1 ? config_.set_stage1 : config_.set_stage2);
  for (const char* path : {"train.seed", "toy.seed"}) {
    overrides.push_back(own(path, format("{}", seed)));
  }
  if (row != nullptr) {
    append(overrides, format("rows.{}.{}", row->first, name),
           stage == 1 ? row->second.stage1 : row->second.stage2);
  }
  LoadedRunConfig run = load_run_config(file, overrides);
  require_steps(run);
  return run;
}

/// Its steps, or of them the share of the samples that are left.
int64_t Planner::share_of_steps(const NamedRow& row, int stage, const LoadedRunConfig& run) const {
  if (!removes_steps(row)) return run.config.train.steps;
  const double share = epoch_samples(run) / epoch_samples(load_stage(stage, nullptr, 0));
  return std::max<int64_t>(1, std::llround(static_cast<double>(run.config.train.steps) * share));
}

size_t Planner::add_training(const std::string& name, LoadedRunConfig run,
                             std::optional<size_t> after) {
  run.config.train.out.clear();
  const std::string identity = dump_config(run.config, Origins());
  const auto [found, is_new] = by_identity_.emplace(identity, plan_.trainings.size());
  if (!is_new) return found->second;
  run.config.train.out = plan_.out / name;
  run.config.validate(run.origins);
  plan_.trainings.push_back({.name = name, .run = std::move(run), .after = after});
  return found->second;
}

size_t Planner::add_drawing(size_t training, double guidance_scale) {
  const PlannedTraining& trained = plan_.trainings[training];
  const std::string name =
      (fs::path(trained.name).parent_path() / format("guidance_{}", guidance_scale)).string();
  const auto [found, is_new] = drawings_.emplace(name, plan_.drawings.size());
  if (!is_new) return found->second;
  LoadedRunConfig run = trained.run;
  run.config.weights.model = run.config.train.out;
  run.config.generate.guidance_scale = guidance_scale;
  plan_.drawings.push_back({.name = name, .run = std::move(run), .training = training});
  return found->second;
}

/// Both stages of a row, or the second alone. Returns the last.
size_t Planner::train(const NamedRow& row, int64_t seed) {
  const std::string folder = format("{}/seed_{}", row.first, seed);
  LoadedRunConfig first = load_stage(1, &row, seed), second = load_stage(2, &row, seed);
  const auto set_steps = [](LoadedRunConfig& run, int64_t steps) {
    run.config.train.steps = steps;
    run.origins.set("train.steps", kOrigin, /*written=*/false);
  };
  set_steps(second, share_of_steps(row, 2, second));
  std::optional<size_t> stage1;
  if (row.second.skip_stage1) {
    second.config.train.init_from = first.config.train.init_from;
    if (!removes_steps(row)) {
      set_steps(second, second.config.train.steps + first.config.train.steps);
    }
  } else {
    set_steps(first, share_of_steps(row, 1, first));
    stage1 = add_training(folder + "/stage1", std::move(first), std::nullopt);
    second.config.train.init_from = plan_.trainings[*stage1].run.config.train.out;
  }
  second.origins.set("train.init_from", kOrigin, /*written=*/false);
  return add_training(folder + "/stage2", std::move(second), stage1);
}

PlannedRow Planner::add_row(const NamedRow& row, int64_t seeds) {
  PlannedRow planned{
      .name = row.first,
      .paper = row.second.paper,
      .is_control = row.second.budget != "default" && row.second.budget != config_.budget};
  for (int64_t seed = 0; seed < seeds; ++seed) {
    const size_t training = train(row, seed);
    const double scale = plan_.trainings[training].run.config.generate.guidance_scale;
    planned.drawings.push_back(add_drawing(training, scale));
  }
  return planned;
}

/// Points of the figures, the full model's own among them.
void Planner::add_sweeps(const NamedRow& full) {
  const int64_t seeds =
      config_.sweep_seeds > 0 ? std::min(config_.sweep_seeds, config_.seeds) : config_.seeds;
  PlannedRow table_row = plan_.rows.front();
  table_row.drawings.resize(static_cast<size_t>(seeds));
  const RunConfig own_values = plan_.drawings[table_row.drawings.front()].run.config;
  const auto points = [](const std::vector<double>& asked, double also) {
    std::set<double> all(asked.begin(), asked.end());
    if (!all.empty()) all.insert(also);
    return all;
  };
  for (const double scale : points(config_.guidance_scales, own_values.generate.guidance_scale)) {
    PlannedRow row = table_row;
    for (size_t& drawing : row.drawings) {
      drawing = add_drawing(plan_.drawings[drawing].training, scale);
    }
    plan_.guidance.emplace_back(scale, row);
  }
  const double dropout = own_values.model.decoder.condition_dropout;
  for (const double share : points(config_.condition_dropouts, dropout)) {
    NamedRow changed = full;
    if (share != dropout) {
      changed.first = format("condition_dropout_{}", share);
      changed.second.stage2.push_back(format("model.decoder.condition_dropout={}", share));
    }
    plan_.dropout.emplace_back(share, share == dropout ? table_row : add_row(changed, seeds));
  }
}

AblationPlan Planner::make() {
  plan_.out = config_.out.empty() ? fs::absolute("runs/ablations") : config_.out;
  const std::vector<NamedRow> rows = rows_in_order();
  for (const NamedRow& row : rows) plan_.rows.push_back(add_row(row, config_.seeds));
  add_sweeps(rows.front());
  std::vector<Override> of_cases = {own("runtime.threads", "1")};
  append(of_cases, "set", config_.set);
  append(of_cases, "set_cases", config_.set_cases);
  of_cases.push_back(own("toy.records", format("{}", config_.cases)));
  of_cases.push_back(own("toy.seed", format("{}", config_.case_seed)));
  plan_.cases.config.toy = load_run_config(config_.stage2, of_cases).config.toy;
  return std::move(plan_);
}

/// What the two configurations do not have in common, or "".
std::string first_difference(const RunConfig& before, const RunConfig& now) {
  for (const ValueChange& change : changed_values(before, now)) {
    return format("{}: {} there, {} now", change.path, change.before, change.now);
  }
  return "";
}

}  // namespace

LoadedAblation load_ablation(const std::filesystem::path& file,
                             const std::vector<Override>& overrides) {
  LoadedAblation loaded;
  loaded.origins = read_config({.name = file.string(), .overrides = overrides}, loaded.config);
  return loaded;
}

AblationPlan plan_ablation(const LoadedAblation& ablation) { return Planner(ablation).make(); }

int64_t AblationPlan::steps_done(const PlannedTraining& training) const {
  const auto checkpoint = find_checkpoint(training.run.config.train.out);
  return checkpoint ? read_train_state(*checkpoint).step : 0;
}

std::vector<Job> AblationPlan::jobs() const {
  std::vector<Job> jobs;
  const auto add = [&](Job job, const std::string& folder) {
    job.log = out / folder / "output.log";
    jobs.push_back(std::move(job));
    return std::vector<size_t>{jobs.size() - 1};
  };
  std::vector<size_t> made;  // the job that makes the cases, unless they are there
  if (!fs::exists(cases_file())) {
    made = add({.name = "cases",
                .command = {"toy", "make", "--held-out", "--task", "subject", "--out",
                            cases_folder().string(), (out / "cases.yaml").string()}},
               ".");
  }
  std::map<size_t, std::vector<size_t>> trained;  // by training
  for (size_t i = 0; i < trainings.size(); ++i) {
    const PlannedTraining& training = trainings[i];
    if (!is_done(training)) {
      trained[i] =
          add({.name = training.name,
               .command = {"train", (training.run.config.train.out / "config.yaml").string()},
               .after = training.after ? trained[*training.after] : std::vector<size_t>()},
              training.name);
    }
    for (const PlannedDrawing& drawing : drawings) {
      if (drawing.training != i || fs::exists(scores(drawing))) continue;
      std::vector<size_t> after = made;
      after.insert(after.end(), trained[i].begin(), trained[i].end());
      const std::vector<size_t> drawn =
          add({.name = drawing.name,
               .command = {"generate", (out / drawing.name / "config.yaml").string(), "--requests",
                           (cases_folder() / "subject.requests.jsonl").string(), "--out",
                           pictures(drawing).string()},
               .after = after},
              drawing.name);
      add({.name = drawing.name + "/scores.json",
           .command = {"toy", "score", pictures(drawing).string(), "--cases", cases_file().string(),
                       "--json", scores(drawing).string(), "--set", "runtime.threads=1"},
           .after = drawn},
          drawing.name);
    }
  }
  return jobs;
}

void write_run_configs(const AblationPlan& plan) {
  require_writable_directory(plan.out);
  const auto write = [&](const fs::path& file, const LoadedRunConfig& run) {
    if (!fs::exists(file)) return write_text(file, dump_config(run.config, run.origins));
    const std::string difference = first_difference(load_run_config(file).config, run.config);
    if (difference.empty()) return;
    throw UserError(
        format("{}: was made with other options ({}): choose another --out, or delete {} to begin "
               "anew",
               file, difference, plan.out));
  };
  write(plan.out / "cases.yaml", plan.cases);
  for (const PlannedTraining& training : plan.trainings) {
    write(training.run.config.train.out / "config.yaml", training.run);
  }
  for (const PlannedDrawing& drawing : plan.drawings) {
    write(plan.out / drawing.name / "config.yaml", drawing.run);
  }
}

}  // namespace mentor
