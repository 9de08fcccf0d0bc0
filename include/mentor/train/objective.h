#pragma once

#include "mentor/data/loader.h"
#include "mentor/dist/communicator.h"
#include "mentor/train/interval.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// A tensor of a checkpoint's model file. One that is frozen is written without a copy.
struct SavedTensor {
  std::string name;
  at::Tensor tensor;
  bool changes = true;
};

/// What a run trains, and on what: all in which MENTOR's stages, its codec and its vision tower
/// differ. The trainer has the rest: steps, optimizer, ranks, checkpoints, figures.
class Objective {
 public:
  virtual ~Objective() = default;

  /// What the samples of one step come to on one rank.
  struct Work {
    std::vector<int64_t> targets;  // of each micro-batch: what its loss is the sum over
    int64_t samples = 0;
    int64_t tokens = 0;
    double flops = 0;  // forward and backward; 0: not known
  };
  /// Takes this rank's samples of a step and cuts them into micro-batches. There may be none.
  virtual Work begin_step(const std::vector<Example>& examples) = 0;
  /// One micro-batch forward and backward: the gradients of its loss sum times `scale`.
  virtual void run_backward(size_t micro_batch, double scale, int64_t step) = 0;
  /// After the update of a step, on every rank.
  virtual void end_step(int64_t /*step*/) {}

  /// What has been added up since the last line of figures, on the device: part of a checkpoint.
  [[nodiscard]] virtual at::Tensor& sums() = 0;
  /// Its means over all ranks, which all call this.
  [[nodiscard]] virtual LossMeans means(Communicator& communicator) const = 0;

  /// Everything that the model file of a checkpoint holds.
  [[nodiscard]] virtual std::vector<SavedTensor> saved_tensors() const = 0;
};

}  // namespace mentor
