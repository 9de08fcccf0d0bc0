#pragma once

#include "mentor/config/fields.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// What a run trains, for how long, and what it shows meanwhile.
struct TrainConfig {
  std::filesystem::path out;
  std::filesystem::path init_from;
  int64_t seed = 0;
  int64_t global_batch = 128;
  int64_t micro_batch = 16;
  int64_t token_budget = 0;
  double epochs = 1;
  int64_t steps = 0;
  std::string freeze = "paper";
  std::vector<std::string> trainable;
  bool train_uncond = false;
  bool activation_checkpointing = false;
  double ema_decay = 0;
  int64_t max_skipped_steps = 10;
  std::string loss_normalization = "global";
  bool reference_gradient_sum = false;
  int64_t loader_threads = 0;
  int64_t log_every = 10;
  int64_t report_every = 10;
  int64_t validate_every = 500;
  int64_t sample_every = 2000;
  int64_t sample_count = 4;

  template <class Visitor>
  void fields(Visitor& v) {
    v("out", out,
      "folder of the run: checkpoints, figures, pictures, report; empty: runs/train in the current "
      "folder");
    v("init_from", init_from,
      "weights to start from: a run's folder (its newest checkpoint), a checkpoint, or a file; "
      "empty: those of `weights`");
    v("seed", seed, "of every random choice", bound::non_negative());
    v("global_batch", global_batch, "samples of an optimizer step, of all ranks (the paper: 128)",
      bound::count());
    v("micro_batch", micro_batch, "most samples that a rank computes at once", bound::count());
    v("token_budget", token_budget,
      "most prompt and image tokens that a rank computes at once; 0: as many as micro_batch has",
      bound::non_negative());
    v("epochs", epochs, "passes over the mixture", bound::positive());
    v("steps", steps, "optimizer steps, in place of epochs; 0: by epochs", bound::non_negative());
    v("freeze", freeze,
      "what is trained. paper: projector and decoder, in stage 2 T5 as well; script: what the "
      "released stage-1 script trains (T5, projector, token embeddings, norm and output of the "
      "decoder); all: everything but CLIP",
      bound::one_of({"paper", "script", "all"}));
    v("trainable", trainable,
      "names of what is trained, in place of `freeze`: patterns with *, those that begin with ! "
      "take away again, as in [\"layers.*\", \"!layers.0.*\"]");
    v("train_uncond", train_uncond,
      "train the unconditional embedding too (the paper calls it learned; the released code keeps "
      "it as it was drawn)");
    v("activation_checkpointing", activation_checkpointing,
      "compute the blocks again in the backward pass instead of keeping what they computed");
    v("ema_decay", ema_decay, "of the averaged weights that a checkpoint holds as well; 0: none",
      bound::between(0, 0.9999999));
    v("max_skipped_steps", max_skipped_steps,
      "steps in a row whose gradient is not finite, after which the run ends; up to it they are "
      "skipped and counted",
      bound::count());
    v("loss_normalization", loss_normalization,
      "global: sum over the targets of all ranks / their number; per_rank: mean of each rank's "
      "mean (the reference)",
      bound::one_of({"global", "per_rank"}));
    v("reference_gradient_sum", reference_gradient_sum,
      "sum the gradients of the micro-batches' means instead of averaging (the reference divides "
      "the loss after the backward pass)");
    v("loader_threads", loader_threads, "threads that make samples; 0: runtime.threads",
      bound::between(0, 256));
    v("log_every", log_every, "steps between two lines of figures", bound::count());
    v("report_every", report_every, "lines between two reports (report.html)", bound::count());
    v("validate_every", validate_every, "steps between two losses on data.validation; 0: never",
      bound::non_negative());
    v("sample_every", sample_every, "steps between two sheets of drawn samples; 0: never",
      bound::non_negative());
    v("sample_count", sample_count, "samples on a sheet", bound::between(1, 64));
  }
};

/// AdamW. Defaults: the released scripts.
struct OptimizerConfig {
  double lr = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  double weight_decay = 0.05;
  std::string decay_rule = "matrices";
  double max_grad_norm = 1.0;
  std::string sharding = "zero1";
  int64_t bucket_mib = 128;

  template <class Visitor>
  void fields(Visitor& v) {
    v("lr", lr, "peak learning rate, reached after the warm-up (the paper: 5e-4, then 1e-4)",
      bound::positive());
    v("beta1", beta1, "decay of the first moment", bound::between(0, 0.99999));
    v("beta2", beta2, "decay of the second moment", bound::between(0, 0.99999));
    v("eps", eps, "added to the root of the second moment", bound::positive());
    v("weight_decay", weight_decay, "decoupled weight decay (the paper's Adam: 0)",
      bound::non_negative());
    v("decay_rule", decay_rule,
      "what decays. matrices: tensors of two or more dimensions, embeddings too (the reference); "
      "not_embeddings: the same without embeddings; all",
      bound::one_of({"matrices", "not_embeddings", "all"}));
    v("max_grad_norm", max_grad_norm, "global norm that gradients are clipped to; 0: never",
      bound::non_negative());
    v("sharding", sharding,
      "zero1: each rank keeps and updates its share of the optimizer's state; none: every rank all",
      bound::one_of({"zero1", "none"}));
    v("bucket_mib", bucket_mib, "size of the pieces in which gradients are exchanged",
      bound::between(1, 4096));
  }
};

/// Learning rate over the run (train/lr_schedule.h).
struct ScheduleConfig {
  std::string shape = "cosine";
  double warmup_ratio = 0.05;
  int64_t warmup_steps = -1;
  double final_ratio = 0.1;
  std::string horizon = "optimizer_steps";
  bool reference_zero_start = false;

  template <class Visitor>
  void fields(Visitor& v) {
    v("shape", shape, "decay after the warm-up", bound::one_of({"cosine", "linear", "constant"}));
    v("warmup_ratio", warmup_ratio, "share of the run that warms up", bound::between(0, 1));
    v("warmup_steps", warmup_steps, "steps of the warm-up, in place of its share; -1: by share",
      bound::at_least(-1));
    v("final_ratio", final_ratio, "share of the peak at which the cosine ends",
      bound::between(0, 1));
    v("horizon", horizon,
      "what the length of the schedule counts. micro_steps: the reference, whose cosine does not "
      "end when it accumulates",
      bound::one_of({"optimizer_steps", "micro_steps"}));
    v("reference_zero_start", reference_zero_start,
      "the first step has rate 0, each later one that of the step before it (the reference)");
  }
};

/// Number formats beside runtime.dtype, in which the models compute.
struct PrecisionConfig {
  std::string encoder_master = "fp32";
  std::string gradients = "fp32";
  std::string codec = "fp32";

  template <class Visitor>
  void fields(Visitor& v) {
    v("encoder_master", encoder_master,
      "weights of T5 and projector that the optimizer updates; bf16: the reference, which loses "
      "updates below half a unit of the last place",
      bound::one_of({"fp32", "bf16"}));
    v("gradients", gradients, "in which micro-batches and ranks are summed",
      bound::one_of({"fp32", "bf16"}));
    v("codec", codec, "in which pictures become codes (the reference: fp32)",
      bound::one_of({"fp32", "bf16"}));
  }
};

struct CheckpointConfig {
  int64_t every = 2000;
  int64_t keep_last = 2;
  int64_t keep_every = 0;
  bool keep_best = true;
  bool background = true;

  template <class Visitor>
  void fields(Visitor& v) {
    v("every", every, "steps between two checkpoints; 0: only at the end", bound::non_negative());
    v("keep_last", keep_last, "newest checkpoints that are kept", bound::count());
    v("keep_every", keep_every, "checkpoints of multiples of this many steps are kept for good",
      bound::non_negative());
    v("keep_best", keep_best,
      "the one with the lowest validation loss is kept, of those whose step has one");
    v("background", background, "write while training goes on, from a copy in host memory");
  }
};

/// How ranks work together.
struct DistributedConfig {
  double timeout_s = 600;

  [[nodiscard]] std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(static_cast<int64_t>(timeout_s * 1000));
  }

  template <class Visitor>
  void fields(Visitor& v) {
    v("timeout_s", timeout_s, "seconds after which a rank that does not answer ends the run",
      bound::positive());
  }
};

}  // namespace mentor
