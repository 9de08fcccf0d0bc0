#pragma once

#include "mentor/train/parameter_buckets.h"
#include "mentor/train/train_config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// A piece of one parameter that this rank updates, with what the optimizer keeps for it: 1-D views
/// of `length` elements from `offset` of the flattened parameter.
struct StateSlice {
  std::string name;
  int64_t offset = 0, length = 0, numel = 0;  // numel: of the whole parameter
  at::Tensor master, exp_avg, exp_avg_sq;
  at::Tensor average;  // EMA; undefined without
};

/// AdamW on the flat shards (fused operator), with clipping by the norm of each clip group and
/// without a host synchronisation. A step whose gradient is not finite changes nothing and is
/// counted.
class AdamW {
 public:
  AdamW(ParameterBuckets& buckets, const OptimizerConfig& config, double ema_decay,
        Communicator& communicator);

  /// After ParameterBuckets::finish_gradients(). Returns the norm of clip group 0 before clipping,
  /// of all ranks, as a scalar on the device.
  at::Tensor step(double lr);

  /// Rows of a parameter [N, E] begin anew as `values_RE`: weights, masters and average; their
  /// moments become 0. All ranks call it with the same values.
  void replace_rows(const std::string& name, const at::Tensor& rows_R, const at::Tensor& values_RE);

  /// Steps skipped in the whole run and in a row until now; scalars on the device.
  [[nodiscard]] const at::Tensor& skipped() const { return skipped_; }
  [[nodiscard]] const at::Tensor& skipped_in_row() const { return skipped_in_row_; }
  /// Updates done: what Adam's bias correction counts.
  [[nodiscard]] const at::Tensor& updates() const { return updates_; }

  [[nodiscard]] std::vector<StateSlice> slices() const;
  /// The same counters from a checkpoint.
  void set_counters(int64_t updates, int64_t skipped, int64_t skipped_in_row);

 private:
  struct Moments {
    at::Tensor exp_avg, exp_avg_sq, average;
  };
  [[nodiscard]] at::Tensor gradient_norms() const;  // by clip group
  void update(double lr, const at::Tensor& grad_scales, const at::Tensor& found_inf);

  ParameterBuckets& buckets_;
  OptimizerConfig config_;
  double ema_decay_;
  size_t num_clip_groups_ = 1;
  Communicator& communicator_;
  std::vector<Moments> moments_;  // per bucket
  at::Tensor updates_, skipped_, skipped_in_row_;
};

}  // namespace mentor
