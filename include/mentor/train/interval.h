#pragma once

#include "mentor/data/batch.h"
#include "mentor/dist/communicator.h"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace mentor {

/// Sums of losses by task, kept on the device until somebody asks.
class TaskLosses {
 public:
  explicit TaskLosses(at::Device device);

  /// Adds the losses [B, T] of a batch; those of invalid targets count for nothing.
  void add(const Batch& batch, const at::Tensor& losses_BT);
  void reset() { sums_.zero_(); }

  /// Of all ranks, which all call this. `task`: mean by name; NaN for a task of `tasks` that had
  /// no sample.
  struct Means {
    double loss = 0;
    int64_t tokens = 0;
    std::map<std::string, double> task;
  };
  [[nodiscard]] Means means(Communicator& communicator,
                            const std::vector<std::string>& tasks) const;

  /// The sums themselves, for checkpoints: float64 [2, number of tasks].
  [[nodiscard]] at::Tensor& tensor() { return sums_; }

 private:
  at::Tensor sums_;  // row 0: loss, row 1: tokens; a column for each task
};

}  // namespace mentor
