#pragma once

#include "mentor/data/loader.h"
#include "mentor/dist/communicator.h"
#include "mentor/train/checkpoint.h"
#include "mentor/train/loss.h"
#include "mentor/train/lr_schedule.h"
#include "mentor/train/objective.h"
#include "mentor/train/optimizer.h"
#include "mentor/train/run_log.h"
#include "mentor/train/train_config.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// Everything about a run that is decided before its first step.
struct TrainPlan {
  TrainConfig train;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  int64_t checkpoint_every = 0;  // steps
  double bad_record_limit = 1;   // data.bad_record_limit
  at::Device device = at::Device(at::kCPU);
  int64_t epoch_samples = 0;  // of all ranks
  int64_t steps_per_epoch = 0, total_steps = 0;
  LrSchedule lr;
  int64_t micro_steps = 1;  // per step, where schedule.horizon counts those
  std::string config;       // YAML, for checkpoints
  std::map<std::string, std::string> model_metadata;  // the same, beside the weights
  std::string version, revision;
};

/// total_steps, lr and what follows from them. `steps_per_epoch`: of the loader.
void plan_steps(TrainPlan& plan, int64_t steps_per_epoch, int64_t world_size);

/// What the trainer works with and does not own. Pointers may be null.
struct TrainParts {
  Objective& objective;
  ParameterBuckets& buckets;
  AdamW& optimizer;
  Loader& loader;
  Communicator& communicator;  // of the device: gradients and weights
  Communicator& control;       // of the host: counts, barriers
  CheckpointWriter& checkpoints;
  RunLog* log = nullptr;  // rank 0
  double peak_flops = 0;  // of all ranks, per second
  /// Called on every rank: losses on held-out records; sheets of samples; after each line of
  /// figures; after each step.
  std::function<std::optional<ValidationMetrics>(int64_t step)> validate;
  std::function<void(int64_t step)> draw_samples;
  std::function<void(const IntervalMetrics&)> after_log;
  std::function<void()> after_step;
};

enum class TrainEnd { kFinished, kInterrupted };

/// The one training loop (training.md section 6). All ranks run it in step.
class Trainer {
 public:
  Trainer(TrainPlan plan, TrainParts parts);

  /// Continues from a checkpoint: state, moments, unfinished sums. The models hold its weights.
  void resume(const fs::path& checkpoint);

  /// Steps until the end of the run or a signal on any rank, then saves. UserError when the data or
  /// the gradients are beyond use.
  TrainEnd run();

  /// One optimizer step on this rank's samples; returns the gradient's norm, on the device.
  at::Tensor step(const std::vector<Example>& examples);

  [[nodiscard]] const TrainState& state() const { return state_; }

 private:
  struct Agreed {
    std::vector<int64_t> targets;  // of all ranks, by micro-batch
    int64_t samples = 0, tokens = 0, bad_records = 0, replaced = 0;
    bool stop = false;
  };
  [[nodiscard]] Agreed agree(const Objective::Work& own);
  void run_backward(const std::vector<double>& scales);
  void log_interval(const at::Tensor& grad_norm, double lr);
  void check_skipped();
  void check_bad_records() const;
  void validate();
  [[nodiscard]] bool saves() const;  // whether this step ends with a checkpoint
  void save();
  [[nodiscard]] CheckpointContents collect();
  void describe_run();  // what a checkpoint says of the run that writes it
  [[nodiscard]] double next_lr() const;
  void event(EventKind kind, const std::string& text);

  using Clock = std::chrono::steady_clock;
  TrainPlan plan_;
  TrainParts parts_;
  TrainState state_;
  bool stop_ = false;
  // Of the interval since the last line.
  Clock::time_point interval_begin_ = Clock::now(), run_begin_ = Clock::now();
  int64_t interval_samples_ = 0, interval_tokens_ = 0, interval_steps_ = 0, interval_replaced_ = 0;
  double interval_flops_ = 0, interval_wait_ = 0, elapsed_before_ = 0;
  int64_t skipped_shown_ = 0, saved_step_ = -1, bad_before_ = 0, replaced_before_ = 0;
};

}  // namespace mentor
