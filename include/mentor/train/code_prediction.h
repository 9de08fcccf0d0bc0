#pragma once

#include "mentor/train/batch_copies.h"
#include "mentor/train/loss.h"
#include "mentor/train/objective.h"
#include "mentor/train/train_config.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace mentor {

/// Means by task of the losses of image tokens.
class TaskLosses {
 public:
  /// `shown`: tasks that means() names always, so that the columns of figures stay.
  TaskLosses(std::vector<std::string> shown, at::Device device);

  /// Adds the losses [B, T] of a batch; those of invalid targets count for nothing.
  void add(const Batch& batch, const at::Tensor& losses_BT);
  [[nodiscard]] LossMeans means(Communicator& communicator) const;
  [[nodiscard]] at::Tensor& tensor() { return sums_.tensor(); }

 private:
  LossSums sums_;
  std::vector<std::string> shown_;
};

/// MENTOR's own training, both stages, and that of its parts on sentences: cross-entropy of the
/// codes of the target picture (MENTOR paper, section 3).
class CodePrediction : public Objective {
 public:
  struct Options {
    BatchShape shape;
    int64_t micro_batch = 1;   // samples
    int64_t token_budget = 0;  // of a micro-batch; 0: no limit
    ComputeOptions compute;
    std::vector<std::string> tasks;  // that the data has
    /// FLOPs of forward and backward of a batch; may be empty.
    std::function<double(const Batch&)> flops;
    std::set<std::string> trained;  // names of parameters
  };
  CodePrediction(ModelSet& models, Options options);

  Work begin_step(const std::vector<Example>& examples) override;
  void run_backward(size_t micro_batch, double scale, int64_t step) override;
  [[nodiscard]] at::Tensor& sums() override { return losses_.tensor(); }
  [[nodiscard]] LossMeans means(Communicator& communicator) const override {
    return losses_.means(communicator);
  }
  [[nodiscard]] std::vector<SavedTensor> saved_tensors() const override;

 private:
  ModelSet& models_;
  Options options_;
  BatchCopies copies_;
  TaskLosses losses_;
  std::vector<Batch> batches_;
};

}  // namespace mentor
