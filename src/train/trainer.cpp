#include "mentor/train/trainer.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/random.h"
#include "mentor/data/bad_records.h"
#include "mentor/tensor/memory.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace mentor {
namespace {

using std::chrono::duration;

bool reaches(int64_t step, int64_t every) { return every > 0 && step % every == 0; }

}  // namespace

void plan_steps(TrainPlan& plan, int64_t steps_per_epoch, int64_t world_size) {
  const TrainConfig& train = plan.train;
  plan.steps_per_epoch = steps_per_epoch;
  plan.total_steps =
      train.steps > 0
          ? train.steps
          : std::max<int64_t>(1, std::llround(train.epochs * static_cast<double>(steps_per_epoch)));
  const int64_t per_rank = train.global_batch / world_size;
  plan.micro_steps = (per_rank + train.micro_batch - 1) / train.micro_batch;
  const ScheduleConfig& schedule = plan.schedule;
  auto horizon = static_cast<double>(plan.total_steps);
  if (schedule.horizon == "micro_steps") horizon *= static_cast<double>(plan.micro_steps);
  plan.lr = {.peak = plan.optimizer.lr,
             .warmup = schedule.warmup_steps >= 0 ? static_cast<double>(schedule.warmup_steps)
                                                  : schedule.warmup_ratio * horizon,
             .horizon = horizon,
             .shape = parse_lr_shape(schedule.shape),
             .final_ratio = schedule.final_ratio};
}

Trainer::Trainer(TrainPlan plan, TrainParts parts)
    : plan_(std::move(plan)), parts_(std::move(parts)) {
  state_.seed = plan_.train.seed;
  describe_run();
}

void Trainer::describe_run() {
  state_.global_batch = plan_.train.global_batch;
  state_.epoch_samples = plan_.epoch_samples;
  state_.version = plan_.version;
  state_.revision = plan_.revision;
}

double Trainer::next_lr() const {
  return learning_rate(plan_.lr,
                       plan_.schedule.reference_zero_start ? state_.step : state_.step + 1);
}

void Trainer::event(EventKind kind, const std::string& text) {
  if (parts_.log) parts_.log->add(RunEvent{.step = state_.step, .kind = kind, .text = text});
}

void Trainer::resume(const fs::path& checkpoint) {
  state_ = read_train_state(checkpoint);
  elapsed_before_ = state_.elapsed_s;
  at::Tensor interval = parts_.objective.sums().cpu();
  read_optimizer_state(checkpoint, parts_.optimizer.slices(), parts_.control, interval);
  parts_.objective.sums().copy_(interval);
  parts_.buckets.publish_weights();
  parts_.optimizer.set_counters(state_.updates, state_.skipped, state_.skipped_in_row);
  skipped_shown_ = state_.skipped;
  saved_step_ = state_.step;
  describe_run();
  event(EventKind::kResumed, format("continued from {}", checkpoint));
}

Trainer::Agreed Trainer::agree(const Objective::Work& own) {
  // Host values of all ranks in one exchange: it orders nothing on the device.
  const size_t slots =
      plan_.train.reference_gradient_sum ? static_cast<size_t>(plan_.micro_steps) : size_t{1};
  std::vector<int64_t> values(slots + 5, 0);
  for (size_t i = 0; i < own.targets.size(); ++i) {
    values[std::min(i, slots - 1)] += own.targets[i];
  }
  values[slots] = own.samples;
  values[slots + 1] = own.tokens;
  int64_t bad = 0;
  for (const auto& [problem, count] : parts_.loader.bad_records()) bad += count;
  values[slots + 2] = bad - std::exchange(bad_before_, bad);
  values[slots + 3] = interrupted() ? 1 : 0;
  int64_t replaced = 0;
  for (const auto& [problem, count] : parts_.loader.replaced()) replaced += count;
  values[slots + 4] = replaced - std::exchange(replaced_before_, replaced);
  at::Tensor all = at::tensor(values);
  parts_.control.all_reduce_sum(all).wait();
  const auto* sums = all.const_data_ptr<int64_t>();
  return {.targets = {sums, sums + slots},
          .samples = sums[slots],
          .tokens = sums[slots + 1],
          .bad_records = sums[slots + 2],
          .replaced = sums[slots + 4],
          .stop = sums[slots + 3] > 0};
}

void Trainer::run_backward(const std::vector<double>& scales) {
  at::manual_seed(stream_seed(
      static_cast<uint64_t>(plan_.train.seed), "dropout",
      {static_cast<uint64_t>(state_.step), static_cast<uint64_t>(parts_.communicator.rank())}));
  parts_.buckets.begin_step();
  for (size_t i = 0; i < scales.size(); ++i) {
    if (i + 1 == scales.size()) parts_.buckets.exchange_when_complete();
    parts_.objective.run_backward(i, scales[i], state_.step);
  }
  parts_.buckets.finish_gradients();
}

at::Tensor Trainer::step(const std::vector<Example>& examples) {
  const Objective::Work own = parts_.objective.begin_step(examples);
  const Agreed agreed = agree(own);
  const LossNormalization normalization{.per_rank = plan_.train.loss_normalization == "per_rank",
                                        .gradient_sum = plan_.train.reference_gradient_sum};
  run_backward(
      loss_scales(normalization, own.targets, agreed.targets, parts_.communicator.world_size()));
  const at::Tensor norm = parts_.optimizer.step(next_lr());
  parts_.objective.end_step(state_.step);
  const LoaderPosition position = parts_.loader.position();
  state_.epoch = position.epoch;
  state_.sample = position.sample;
  ++state_.step;
  state_.samples_seen += agreed.samples;
  state_.tokens_seen += agreed.tokens;
  state_.bad_records += agreed.bad_records;
  if (agreed.bad_records > 0) check_bad_records();
  interval_replaced_ += agreed.replaced;
  interval_samples_ += agreed.samples;
  interval_tokens_ += agreed.tokens;
  interval_flops_ += own.flops;
  ++interval_steps_;
  stop_ = agreed.stop;
  return norm;
}

void Trainer::check_bad_records() const {
  // Of an epoch at least, or the first bad record would be a large share.
  const int64_t samples =
      std::max(plan_.epoch_samples, state_.epoch * plan_.epoch_samples + state_.sample);
  const std::string text =
      too_many_bad_records(state_.bad_records, samples, plan_.bad_record_limit);
  if (text.empty()) return;
  const std::string own = parts_.loader.last_problem();
  throw DataError(own.empty() ? text : format("{}. The last one of this rank: {}", text, own));
}

void Trainer::check_skipped() {
  state_.skipped_in_row = static_cast<int64_t>(parts_.optimizer.skipped_in_row().item<float>());
  state_.skipped = static_cast<int64_t>(parts_.optimizer.skipped().item<float>());
  state_.updates = static_cast<int64_t>(parts_.optimizer.updates().item<float>());
  if (state_.skipped > skipped_shown_) {
    event(EventKind::kSkippedStep, format("{} steps without an update: the gradient was not finite",
                                          state_.skipped - skipped_shown_));
    skipped_shown_ = state_.skipped;
  }
  if (state_.skipped_in_row < plan_.train.max_skipped_steps) return;
  throw UserError(
      format("step {}: the gradient was not finite for {} steps in a row "
             "(train.max_skipped_steps): lower optimizer.lr, lengthen schedule.warmup_steps, or "
             "look at the data with 'mentor data check'; the last checkpoint is untouched",
             state_.step, state_.skipped_in_row));
}

void Trainer::log_interval(const at::Tensor& grad_norm, double lr) {
  const auto now = Clock::now();
  const double seconds = duration<double>(now - interval_begin_).count();
  at::Tensor sums = at::tensor({interval_flops_, parts_.loader.wait_seconds() - interval_wait_},
                               at::TensorOptions().dtype(at::kDouble));
  parts_.control.all_reduce_sum(sums).wait();
  const LossMeans means = parts_.objective.means(parts_.communicator);
  const auto steps = static_cast<double>(interval_steps_);
  IntervalMetrics metrics{
      .step = state_.step,
      .total_steps = plan_.total_steps,
      .epoch = static_cast<double>(state_.step) / static_cast<double>(plan_.steps_per_epoch),
      .samples = state_.samples_seen,
      .tokens = state_.tokens_seen,
      .loss = means.loss,
      .task_loss = means.parts,
      .grad_norm = grad_norm.item<double>(),
      .lr = lr,
      .samples_per_s = static_cast<double>(interval_samples_) / seconds,
      .tokens_per_s = static_cast<double>(interval_tokens_) / seconds,
      .data_wait =
          sums[1].item<double>() / (seconds * static_cast<double>(parts_.control.world_size())),
      .memory_gib = memory_in_use(plan_.device) / static_cast<double>(int64_t{1} << 30),
      .seconds = seconds,
      .eta_s = static_cast<double>(plan_.total_steps - state_.step) * seconds / steps,
      .skipped_steps = state_.skipped,
      .bad_records = state_.bad_records};
  const auto flops = sums[0].item<double>();
  if (parts_.peak_flops > 0 && flops > 0) metrics.mfu = flops / seconds / parts_.peak_flops;
  if (parts_.log) parts_.log->add(metrics);
  if (parts_.after_log) parts_.after_log(metrics);
  if (interval_replaced_ > 0) {
    log::warn(
        "{} times in these {} steps something could not be read, and white was trained on in its "
        "place (data.on_bad_record: reference)",
        interval_replaced_, interval_steps_);
  }
  parts_.objective.sums().zero_();
  interval_begin_ = Clock::now();
  interval_samples_ = interval_tokens_ = interval_steps_ = interval_replaced_ = 0;
  interval_flops_ = 0;
  interval_wait_ = parts_.loader.wait_seconds();
}

void Trainer::validate() {
  if (!parts_.validate) return;
  const std::optional<ValidationMetrics> metrics = parts_.validate(state_.step);
  if (!metrics) return;
  if (metrics->samples == 0) {
    throw DataError("data.validation: no held-out record can be used: see the warning above");
  }
  // The best of those that are saved: only they can be kept.
  const bool better = state_.best_step < 0 || metrics->loss < state_.best_loss;
  if (saves() && std::isfinite(metrics->loss) && better) {
    state_.best_loss = metrics->loss;
    state_.best_step = state_.step;
  }
  if (parts_.log) parts_.log->add(*metrics);
}

CheckpointContents Trainer::collect() {
  CheckpointContents contents;
  state_.world_size = parts_.control.world_size();
  state_.elapsed_s = elapsed_before_ + duration<double>(Clock::now() - run_begin_).count();
  contents.state = state_;
  contents.config = plan_.config;
  contents.model_metadata = plan_.model_metadata;
  const auto slices = parts_.optimizer.slices();
  bool with_master = false;
  for (const auto& bucket : parts_.buckets.buckets()) {
    with_master = with_master || bucket.master.scalar_type() != bucket.weights.scalar_type();
  }
  collect_shard(slices, with_master, parts_.objective.sums(), contents);
  if (parts_.control.rank() != 0) return contents;
  std::unordered_set<const void*> written;
  for (const auto& [name, tensor, changes] : parts_.objective.saved_tensors()) {
    if (!written.insert(tensor.unsafeGetTensorImpl()).second) continue;  // an alias
    const at::Tensor host = tensor.detach().cpu();
    contents.model.set(name, changes && host.is_alias_of(tensor) ? host.clone() : host);
  }
  return contents;
}

void Trainer::save() {
  if (saved_step_ == state_.step) return;
  check_skipped();
  parts_.checkpoints.save(state_.step, [this] { return collect(); });
  saved_step_ = state_.step;
  event(EventKind::kCheckpoint, format("checkpoints/step_{:08d}", state_.step));
}

bool Trainer::saves() const {
  return state_.step == plan_.total_steps || reaches(state_.step, plan_.checkpoint_every);
}

TrainEnd Trainer::run() {
  run_begin_ = interval_begin_ = Clock::now();
  const int64_t per_rank = plan_.train.global_batch / parts_.communicator.world_size();
  at::Tensor norm;
  while (state_.step < plan_.total_steps && !stop_) {
    const double lr = next_lr();
    norm = step(parts_.loader.next(per_rank));
    if (parts_.after_step) parts_.after_step();
    const bool last = state_.step == plan_.total_steps;
    const bool logs = last || reaches(state_.step, plan_.train.log_every);
    // On a GPU reading a number waits for all work under way: once in an interval.
    if (logs || plan_.device.is_cpu()) check_skipped();
    if (logs) log_interval(norm, lr);
    if (last || reaches(state_.step, plan_.train.validate_every)) validate();
    if (parts_.draw_samples && (last || reaches(state_.step, plan_.train.sample_every))) {
      parts_.draw_samples(state_.step);
    }
    if (saves()) save();
  }
  const bool finished = state_.step >= plan_.total_steps;
  if (stop_) save();
  const bool saved = parts_.checkpoints.wait();
  if (!saved) throw UserError("the last checkpoint could not be saved (see above)");
  return finished ? TrainEnd::kFinished : TrainEnd::kInterrupted;
}

}  // namespace mentor
