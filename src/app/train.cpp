#include "mentor/app/train.h"

#include "mentor/app/data_sources.h"
#include "mentor/app/peak_flops.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/data/bad_records.h"
#include "mentor/dist/connect.h"
#include "mentor/train/trainer.h"
#include "train_display.h"
#include "train_resume.h"
#include "train_tables.h"
#include "train_target.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace mentor {
namespace {

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
    const std::string text =
        too_many_bad_records(entry.bad, lines, run.config.data.bad_record_limit);
    if (text.empty() || !files.insert(entry.file).second) continue;
    const std::string key = "data.mixture." + entry.name + ".file";
    problems += format("{}{}{}: {}. The first one: {}", problems.empty() ? "" : "\n",
                       run.origins.where(key), key, text, entry.first_bad);
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

std::unique_ptr<TrainTarget> make_target(Trained what, const TrainContext& context) {
  switch (what) {
    case Trained::kVision:
      return vision_target(context);
    case Trained::kCodec:
      return codec_target(context);
    default:
      return mentor_target(context);
  }
}

/// One run on one rank, from the configuration to the last checkpoint.
class TrainRun {
 public:
  TrainRun(const TrainOptions& options, const ProcessEnvironment& environment)
      : options_(options),
        config_(options.run.config),
        environment_(environment),
        context_{.run = options.run, .environment = environment} {}

  int execute();

 private:
  void check();
  void join();
  void require_same_checkpoint();
  [[nodiscard]] LoaderPosition start_position(int64_t samples) const;
  void make_loader(const Mixture& mixture);
  [[nodiscard]] TrainPlan make_plan(const Mixture& mixture) const;
  void make_display(const Mixture& mixture, const TrainPlan& plan);
  [[nodiscard]] TrainParts make_parts();
  int work(const Mixture& mixture);

  const TrainOptions& options_;
  const RunConfig& config_;
  const ProcessEnvironment& environment_;
  TrainContext context_;
  std::optional<ResumePoint> resume_;
  std::unique_ptr<TrainTarget> target_;
  Ranks ranks_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<CheckpointWriter> checkpoints_;
  std::unique_ptr<TrainDisplay> display_;  // rank 0

  [[nodiscard]] bool is_first() const { return environment_.rank == 0; }
};

/// Everything that can be wrong without other ranks and before any large file is read.
void TrainRun::check() {
  require_divisible_batch(options_.run, environment_.world_size);
  if (is_first()) require_writable_directory(config_.train.out);
  context_.runtime = start_runtime(config_.runtime);
  if (context_.runtime.device.is_cuda()) context_.runtime.device = rank_gpu(environment_);
  resume_ = find_resume_point(options_);
  if (resume_) context_.checkpoint = resume_->checkpoint;
  target_ = make_target(options_.what, context_);
  target_->build();
}

void TrainRun::join() {
  ranks_ = connect_with_host(environment_, context_.runtime.device, config_.distributed.timeout());
  announce_failures_of(*ranks_.device, [this] { require_same_checkpoint(); });
}

/// A network file system may show a new checkpoint to one node before it shows it to another.
void TrainRun::require_same_checkpoint() {
  const int64_t own = resume_ ? resume_->state.step : -1;
  at::Tensor first = at::tensor({own}, at::kLong);
  ranks_.host->broadcast(first, 0);
  if (first.item<int64_t>() == own) return;
  const auto name = [](int64_t step) {
    return step < 0 ? std::string("no checkpoint") : format("step {}", step);
  };
  throw UserError(format(
      "{}: this rank finds {} to go on from, rank 0 finds {}: is it the same folder on every "
      "node? A file system that shows files late needs a minute",
      config_.train.out, name(own), name(first.item<int64_t>())));
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
  const int64_t threads =
      config_.train.loader_threads > 0 ? config_.train.loader_threads : context_.runtime.threads;
  const int64_t per_rank = config_.train.global_batch / environment_.world_size;
  loader_ =
      std::make_unique<Loader>(Sampler({.shares = mixture.shares,
                                        .seed = static_cast<uint64_t>(config_.train.seed),
                                        .rank = environment_.rank,
                                        .world_size = environment_.world_size}),
                               target_->make_examples(mixture),
                               LoaderOptions{.threads = threads,
                                             .queue = std::max<int64_t>(32, 2 * per_rank),
                                             .batch = per_rank,
                                             .bad_record_limit = config_.data.bad_record_limit},
                               start_position(epoch_samples(mixture)));
}

TrainPlan TrainRun::make_plan(const Mixture& mixture) const {
  TrainPlan plan{.train = config_.train,
                 .optimizer = config_.optimizer,
                 .schedule = config_.schedule,
                 .checkpoint_every = config_.checkpoint.every,
                 .bad_record_limit = config_.data.bad_record_limit,
                 .device = context_.runtime.device,
                 .epoch_samples = epoch_samples(mixture),
                 .config = checkpoint_config(options_.run, *target_),
                 .model_metadata = target_->file_metadata(),
                 .version = options_.version,
                 .revision = options_.revision};
  plan_steps(plan, loader_->batches_per_epoch(), environment_.world_size);
  return plan;
}

void TrainRun::make_display(const Mixture& mixture, const TrainPlan& plan) {
  if (!is_first()) return;
  const std::string options = changed_options(options_.run);
  const std::string modules = module_table(target_->modules());
  const std::string environment = environment_text(context_.runtime, environment_.world_size,
                                                   options_.version, options_.revision);
  const std::string steps = format("{} steps of {} samples, {} steps an epoch", plan.total_steps,
                                   config_.train.global_batch, plan.steps_per_epoch);
  log::info("{}", environment);
  log::info("options that differ from the defaults\n{}", options);
  log::info("models\n{}", modules);
  log::info("data\n{}\n{}", mixture.table(), steps);
  log::info("{}", target_->memory());
  display_ = std::make_unique<TrainDisplay>(TrainDisplay::Options{
      .folder = config_.train.out,
      .resume_step = resume_ ? resume_->state.step : 0,
      .total_steps = plan.total_steps,
      .report_every = config_.train.report_every,
      .config = plan.config,
      .sections = {{"Options that differ from the defaults", options},
                   {"Models", modules},
                   {"Data", mixture.table() + "\n" + steps},
                   {"Memory", target_->memory()},
                   {"Environment", environment},
                   {"Configuration", dump_config(config_, options_.run.origins)}}});
}

TrainParts TrainRun::make_parts() {
  TrainParts parts{.objective = *objective_,
                   .buckets = target_->buckets(),
                   .optimizer = target_->optimizer(),
                   .loader = *loader_,
                   .communicator = *ranks_.device,
                   .control = *ranks_.host,
                   .checkpoints = *checkpoints_,
                   .log = display_ ? &display_->log() : nullptr,
                   .peak_flops = peak_flops(context_.runtime).per_second *
                                 static_cast<double>(environment_.world_size)};
  parts.validate = [this](int64_t step) {
    const std::optional<ValidationMetrics> metrics = target_->validate(step);
    if (metrics && display_) display_->show(*metrics);
    return metrics;
  };
  if (config_.train.sample_every > 0) {
    parts.draw_samples = [this](int64_t step) {
      const auto sheet = target_->draw(step);
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

int TrainRun::work(const Mixture& mixture) {
  target_->load(*ranks_.device);
  const fs::path folder = config_.train.out / "checkpoints";
  if (is_first()) put_aside_later_checkpoints(folder, resume_ ? resume_->state.step : -1);
  make_loader(mixture);
  const TrainPlan plan = make_plan(mixture);
  make_display(mixture, plan);
  const std::optional<Mixture> held_out = open_validation(options_.run);
  if (held_out) require_readable_records(options_.run, *held_out);
  target_->prepare_evaluation(mixture, held_out ? &*held_out : nullptr, *ranks_.device,
                              *ranks_.host);
  objective_ = target_->make_objective(mixture, plan.total_steps);
  checkpoints_ = std::make_unique<CheckpointWriter>(folder, config_.checkpoint,
                                                    config_.distributed.timeout_s, *ranks_.host);
  Trainer trainer(plan, make_parts());
  if (resume_) trainer.resume(resume_->checkpoint);
  if (resume_ && resume_->state.step >= plan.total_steps && is_first()) {
    log::warn(
        "{} holds a finished run, step {} of {}: nothing is left to train. More steps: train.steps "
        "or train.epochs; another run: train.out",
        config_.train.out, resume_->state.step, plan.total_steps);
  }
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
  const Mixture mixture = open_mixture(options_.run);
  require_readable_records(options_.run, mixture);
  require_whole_step(options_.run, mixture);
  join();
  int code = kExitDone;
  announce_failures_of(*ranks_.device, [&] { code = work(mixture); });
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
