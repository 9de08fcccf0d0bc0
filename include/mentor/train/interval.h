#pragma once

#include "mentor/dist/communicator.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mentor {

/// Means of one interval over all ranks.
struct LossMeans {
  double loss = 0;
  double count = 0;                     // what it is the mean of: image tokens, pictures
  std::map<std::string, double> parts;  // by name; NaN for one that nothing was added to
};

/// Sums of losses by name (task, or term of the loss), kept on the device until somebody asks.
class LossSums {
 public:
  LossSums(std::vector<std::string> names, at::Device device);

  /// Adds losses [N], each with its count [N], to the columns of that name.
  void add(const std::vector<int64_t>& columns, const at::Tensor& losses_N,
           const at::Tensor& counts_N);

  /// Of all ranks, which all call this. `loss`: over all columns.
  [[nodiscard]] LossMeans means(Communicator& communicator) const;

  /// The sums themselves, for checkpoints: float64 [2, names].
  [[nodiscard]] at::Tensor& tensor() { return sums_; }

 private:
  std::vector<std::string> names_;
  at::Tensor sums_;  // row 0: loss, row 1: count
};

}  // namespace mentor
