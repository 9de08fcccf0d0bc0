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

/// AdamW on the flat shards (fused operator), with clipping by the global norm and without a host
/// synchronisation. A step whose gradient is not finite changes nothing and is counted.
class AdamW {
 public:
  AdamW(ParameterBuckets& buckets, const OptimizerConfig& config, double ema_decay,
        Communicator& communicator);

  /// After ParameterBuckets::finish_gradients(). Returns the gradient's norm before clipping, of
  /// all ranks, as a scalar on the device.
  at::Tensor step(double lr);

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
  [[nodiscard]] at::Tensor gradient_norm() const;
  void update(double lr, const at::Tensor& grad_scale, const at::Tensor& found_inf);

  ParameterBuckets& buckets_;
  OptimizerConfig config_;
  double ema_decay_;
  Communicator& communicator_;
  std::vector<Moments> moments_;  // per bucket
  at::Tensor updates_, skipped_, skipped_in_row_;
};

}  // namespace mentor
