#include "mentor/app/train.h"

#include "mentor/app/build.h"
#include "mentor/app/data_encode.h"
#include "mentor/app/data_sources.h"
#include "mentor/app/peak_flops.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/dist/connect.h"
#include "mentor/models/flops.h"
#include "mentor/tensor/memory.h"
#include "mentor/train/trainer.h"
#include "previews.h"
#include "train_display.h"
#include "train_models.h"
#include "train_resume.h"
#include "train_tables.h"
#include "validation.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace mentor {
namespace {

void show_rank_in_log(const ProcessEnvironment& environment) {
  using log::Level;
  Level level = Level::kError;
  for (const Level shown : {Level::kWarn, Level::kInfo, Level::kDebug}) {
    if (log::shows(shown)) level = shown;
  }
  log::configure(level, static_cast<int>(environment.rank),
                 static_cast<int>(environment.world_size));
}

void require_divisible_batch(const LoadedRunConfig& run, int64_t world_size) {
  const int64_t batch = run.config.train.global_batch;
  if (batch % world_size == 0) return;
  throw ConfigError(format(
      "{}train.global_batch: {} samples do not divide among {} ranks: take {} or {}, or another "
      "number of ranks",
      run.origins.where("train.global_batch"), batch, world_size,
      std::max(batch / world_size, int64_t{1}) * world_size,
      (batch / world_size + 1) * world_size));
}

std::vector<std::string> tasks_of(const Mixture& mixture) {
  std::set<std::string> names;
  for (const MixtureSummary& entry : mixture.entries) {
    for (const auto& [task, count] : entry.tasks) names.insert(std::string(task_name(task)));
  }
  return {names.begin(), names.end()};
}

int64_t epoch_samples(const Mixture& mixture) {
  int64_t samples = 0;
  for (const MixtureShare& share : mixture.shares) samples += share.samples;
  return samples;
}

/// A filter by tasks passes over lines that are no record, so that the loader never counts them.
void require_readable_records(const LoadedRunConfig& run, const Mixture& mixture) {
  std::string problems;
  std::set<fs::path> files;  // one message for each, whatever the number of entries
  for (size_t i = 0; i < mixture.entries.size(); ++i) {
    const MixtureSummary& entry = mixture.entries[i];
    const int64_t lines = mixture.sources[i].records->size();
    const double limit = run.config.data.bad_record_limit * static_cast<double>(lines);
    if (static_cast<double>(entry.bad) <= limit || !files.insert(entry.file).second) continue;
    const std::string key = "data.mixture." + entry.name + ".file";
    problems += format(
        "{}{}{}: {} bad records among {} are more than data.bad_record_limit ({:.4g}) allows; "
        "'mentor data check' lists them all. The first one: {}",
        problems.empty() ? "" : "\n", run.origins.where(key), key, entry.bad, lines,
        run.config.data.bad_record_limit, entry.first_bad);
  }
  if (!problems.empty()) throw DataError(problems);
}

void require_whole_step(const LoadedRunConfig& run, const Mixture& mixture) {
  const int64_t step = run.config.train.global_batch, epoch = epoch_samples(mixture);
  if (step <= epoch) return;
  throw ConfigError(
      format("{}train.global_batch: a step takes {} samples, an epoch of data.mixture has {}: "
             "lower it, or take records more than once (weight, samples)",
             run.origins.where("train.global_batch"), step, epoch));
}

/// One run on one rank, from the configuration to the last checkpoint.
class TrainRun {
 public:
  TrainRun(const TrainOptions& options, const ProcessEnvironment& environment)
      : options_(options), config_(options.run.config), environment_(environment) {}

  int execute();

 private:
  void check();
  void join();
  [[nodiscard]] LoaderPosition start_position(int64_t samples) const;
  void make_loader(const Mixture& mixture);
  [[nodiscard]] TrainPlan make_plan(const Mixture& mixture) const;
  void make_display(const Mixture& mixture, const TrainPlan& plan);
  void make_evaluation(const Mixture& mixture, const TrainPlan& plan);
  [[nodiscard]] TrainParts make_parts();
  int work(Mixture mixture);
  [[nodiscard]] std::function<double(const Batch&)> flops_counter() const;

  const TrainOptions& options_;
  const RunConfig& config_;
  const ProcessEnvironment& environment_;
  Runtime runtime_;
  std::optional<ResumePoint> resume_;
  WeightsConfig weights_;
  std::string memory_text_;
  TrainingModels training_;
  std::unique_ptr<Communicator> communicator_;
  std::unique_ptr<Communicator> host_communicator_;  // beside NCCL: counts and barriers
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<CheckpointWriter> checkpoints_;
  std::unique_ptr<TrainDisplay> display_;  // rank 0
  std::unique_ptr<Validation> validation_;
  std::unique_ptr<Previews> previews_;

  [[nodiscard]] Communicator& control() {
    return host_communicator_ ? *host_communicator_ : *communicator_;
  }
  [[nodiscard]] bool is_first() const { return environment_.rank == 0; }
};

/// Everything that can be wrong without other ranks and before any large file is read.
void TrainRun::check() {
  require_divisible_batch(options_.run, environment_.world_size);
  if (config_.model.decoder.class_conditional()) {
    throw ConfigError("model.decoder.condition: class: training takes sentences");
  }
  if (is_first()) require_writable_directory(config_.train.out);
  runtime_ = start_runtime(config_.runtime);
  if (runtime_.device.is_cuda()) runtime_.device = rank_gpu(environment_);
  resume_ = find_resume_point(options_);
  weights_ = training_weights(config_, resume_ ? std::optional(resume_->checkpoint) : std::nullopt);
  require_weight_files(weights_);
  training_.models = build_models(config_.model);
  training_.trained = choose_trained(training_.models, config_.train, config_.optimizer,
                                     config_.precision, stage_of(config_.data));
  const double memory =
      total_memory(runtime_.device) /
      (runtime_.device.is_cpu() ? static_cast<double>(environment_.local_world_size) : 1.0);
  memory_text_ = estimate_memory(config_, training_.models, training_.trained, runtime_,
                                 environment_.world_size, memory);
}

void TrainRun::join() {
  const auto timeout =
      std::chrono::milliseconds(static_cast<int64_t>(config_.distributed.timeout_s * 1000));
  communicator_ = connect(environment_, runtime_.device, timeout);
  if (runtime_.device.is_cuda() && environment_.world_size > 1) {
    ProcessEnvironment host = environment_;
    host.store_prefix += "/host";
    host_communicator_ = connect(host, c10::kCPU, timeout);
  }
}

/// Where the data goes on. Other data than the checkpoint's have another order.
LoaderPosition TrainRun::start_position(int64_t samples) const {
  if (!resume_) return {};
  const TrainState& state = resume_->state;
  if (state.epoch_samples != samples) {
    log::warn("the data changed: an epoch has {} samples, it had {}. Their order is another one",
              samples, state.epoch_samples);
  }
  if (state.sample >= samples) return {state.epoch + 1, 0};
  return {state.epoch, state.sample};
}

void TrainRun::make_loader(const Mixture& mixture) {
  auto make = std::make_shared<ExampleMaker>(
      make_examples(config_, mixture.sources,
                    {.seed = static_cast<uint64_t>(config_.train.seed),
                     .condition_dropout = config_.model.decoder.condition_dropout,
                     .code_cache = open_code_cache(options_.run, training_.models.codec)}));
  const int64_t threads =
      config_.train.loader_threads > 0 ? config_.train.loader_threads : runtime_.threads;
  const int64_t per_rank = config_.train.global_batch / environment_.world_size;
  const LoaderPosition start = start_position(epoch_samples(mixture));
  loader_ = std::make_unique<Loader>(
      Sampler({.shares = mixture.shares,
               .seed = static_cast<uint64_t>(config_.train.seed),
               .rank = environment_.rank,
               .world_size = environment_.world_size}),
      [make](int64_t epoch, SampleIndex index) { return (*make)(epoch, index); },
      LoaderOptions{.threads = threads,
                    .queue = std::max<int64_t>(32, 2 * per_rank),
                    .batch = per_rank,
                    .bad_record_limit = config_.data.bad_record_limit},
      start);
}

TrainPlan TrainRun::make_plan(const Mixture& mixture) const {
  TrainPlan plan{.train = config_.train,
                 .optimizer = config_.optimizer,
                 .schedule = config_.schedule,
                 .checkpoint_every = config_.checkpoint.every,
                 .batch = batch_shape(config_.model),
                 .compute = {.device = runtime_.device,
                             .reference_flat_pictures = config_.data.on_bad_record == "reference"},
                 .epoch_samples = epoch_samples(mixture),
                 .tasks = tasks_of(mixture),
                 .config = checkpoint_config(options_.run),
                 .version = options_.version,
                 .revision = options_.revision};
  plan_steps(plan, loader_->batches_per_epoch(), environment_.world_size);
  return plan;
}

void TrainRun::make_display(const Mixture& mixture, const TrainPlan& plan) {
  if (!is_first()) return;
  const std::string options = changed_options(options_.run);
  const std::string modules = module_table(module_rows(training_.models, training_.trained));
  const std::string environment =
      environment_text(runtime_, environment_.world_size, options_.version, options_.revision);
  const std::string steps = format("{} steps of {} samples, {} steps an epoch", plan.total_steps,
                                   config_.train.global_batch, plan.steps_per_epoch);
  log::info("{}", environment);
  log::info("options that differ from the defaults\n{}", options);
  log::info("models\n{}", modules);
  log::info("data\n{}\n{}", mixture.table(), steps);
  log::info("{}", memory_text_);
  display_ = std::make_unique<TrainDisplay>(TrainDisplay::Options{
      .folder = config_.train.out,
      .resume_step = resume_ ? resume_->state.step : 0,
      .total_steps = plan.total_steps,
      .report_every = config_.train.report_every,
      .config = plan.config,
      .sections = {{"Options that differ from the defaults", options},
                   {"Models", modules},
                   {"Data", mixture.table() + "\n" + steps},
                   {"Memory", memory_text_},
                   {"Environment", environment},
                   {"Configuration", dump_config(config_, options_.run.origins)}}});
}

/// Held-out losses, and records to draw samples of: held-out ones where there are any.
void TrainRun::make_evaluation(const Mixture& mixture, const TrainPlan& plan) {
  std::optional<Mixture> held_out = open_validation(options_.run);
  if (config_.train.sample_every > 0) {
    previews_ = std::make_unique<Previews>(config_, held_out ? *held_out : mixture,
                                           training_.models, control());
  }
  if (held_out && config_.train.validate_every > 0) {
    validation_ = std::make_unique<Validation>(config_, std::move(*held_out), plan,
                                               training_.models, *communicator_);
  }
}

std::function<double(const Batch&)> TrainRun::flops_counter() const {
  TrainedParts parts{false, false, false, false, false};
  for (const TrainedParameter& parameter : training_.trained) {
    const std::string& name = parameter.name;
    parts.t5 |= part_of(name) == Part::kT5;
    parts.projector |= part_of(name) == Part::kProjector;
    parts.condition |= name.starts_with("cls_embedding.");
    parts.blocks |= name.starts_with("layers.");
    parts.head |= name.starts_with("output.");
  }
  return [parts, model = config_.model](const Batch& batch) {
    double flops = 0;
    size_t next_kept = 0;
    for (int64_t b = 0; b < batch.size(); ++b) {
      const bool kept = next_kept < batch.kept.size() && batch.kept[next_kept] == b;
      const SampleShape shape{
          .prompt_tokens = batch.lengths[b],
          .pictures = kept ? std::count(batch.image_owner.begin(), batch.image_owner.end(),
                                        static_cast<int64_t>(next_kept))
                           : 0,
          .drops_condition = !kept,
          .has_cached_codes = std::find(batch.target_rows.begin(), batch.target_rows.end(), b) ==
                              batch.target_rows.end()};
      if (kept) ++next_kept;
      const ForwardFlops forward = forward_flops(model, shape);
      flops += forward.total() + backward_flops(forward, parts);
    }
    return flops;
  };
}

TrainParts TrainRun::make_parts() {
  TrainParts parts{
      .models = training_.models,
      .buckets = *training_.buckets,
      .optimizer = *training_.optimizer,
      .loader = *loader_,
      .communicator = *communicator_,
      .control = control(),
      .checkpoints = *checkpoints_,
      .log = display_ ? &display_->log() : nullptr,
      .flops = flops_counter(),
      .peak_flops = peak_flops(runtime_).per_second * static_cast<double>(environment_.world_size)};
  parts.validate = [this](int64_t step) -> std::optional<ValidationMetrics> {
    if (!validation_) return std::nullopt;
    const ValidationMetrics metrics = validation_->run(step);
    if (display_) display_->show(metrics);
    return metrics;
  };
  if (config_.train.sample_every > 0) {
    parts.draw_samples = [this](int64_t step) {
      const auto sheet = previews_->draw(step);
      if (sheet) display_->show_samples(step, sheet->image, sheet->captions);
    };
  }
  parts.after_step = [this] {
    if (display_) display_->step();
  };
  parts.after_log = [this](const IntervalMetrics& metrics) {
    if (display_) display_->show(metrics);
  };
  return parts;
}

int TrainRun::work(Mixture mixture) {
  load_training_models(training_, config_, weights_, runtime_, *communicator_);
  const fs::path folder = config_.train.out / "checkpoints";
  if (is_first()) put_aside_later_checkpoints(folder, resume_ ? resume_->state.step : -1);
  make_loader(mixture);
  const TrainPlan plan = make_plan(mixture);
  make_display(mixture, plan);
  make_evaluation(mixture, plan);
  checkpoints_ = std::make_unique<CheckpointWriter>(folder, config_.checkpoint,
                                                    config_.distributed.timeout_s, control());
  Trainer trainer(plan, make_parts());
  if (resume_) trainer.resume(resume_->checkpoint);
  try {
    const bool finished = trainer.run() == TrainEnd::kFinished;
    if (display_) {
      display_->write_report(finished ? RunState::kFinished : RunState::kInterrupted);
      log::info("{} at step {}: {}", finished ? "finished" : "interrupted, saved",
                trainer.state().step, (config_.train.out / "report.html").string());
    }
    if (finished) return kExitDone;
  } catch (const std::exception& error) {
    if (display_) display_->write_report(RunState::kFailed, error.what());
    throw;
  }
  const int code = interrupt_exit_code();  // another rank may have got the signal
  return code == kExitDone ? kExitTerminated : code;
}

int TrainRun::execute() {
  check();
  Mixture mixture = open_mixture(options_.run);
  require_readable_records(options_.run, mixture);
  require_whole_step(options_.run, mixture);
  (void)open_tokenizer(config_);
  join();
  int code = kExitDone;
  announce_failures_of(*communicator_, [&] { code = work(std::move(mixture)); });
  return code;
}

}  // namespace

int train_model(const TrainOptions& options) {
  const ProcessEnvironment environment = read_process_environment();
  show_rank_in_log(environment);
  TrainOptions resolved = options;
  fs::path& out = resolved.run.config.train.out;
  if (out.empty()) out = fs::absolute("runs/train");
  return TrainRun(resolved, environment).execute();
}

}  // namespace mentor
