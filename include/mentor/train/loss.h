#pragma once

#include "mentor/data/batch.h"
#include "mentor/models/model_set.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// Where and how batches are computed.
struct ComputeOptions {
  at::Device device = at::Device(at::kCPU);
  bool reference_flat_pictures = false;  // ImageAssignment::reference_flat
};

/// Codes of every sample's target, int64 [B, T] on the device; runs the codec on those that have
/// none yet, without gradients.
[[nodiscard]] at::Tensor target_codes(const ModelSet& models, const Batch& batch,
                                      const ComputeOptions& options);

/// The prefixes of all samples. Those with a dropped condition take the last rows of the
/// unconditional embedding and cost neither CLIP nor T5.
[[nodiscard]] Condition make_condition(const ModelSet& models, const Batch& batch,
                                       const ComputeOptions& options);

/// A teacher-forced pass. `sum`: losses of the targets that count, times `scale`, to run backward
/// through; `losses_BT`: of every image token, without gradient.
struct BatchLoss {
  at::Tensor sum, losses_BT;
};
[[nodiscard]] BatchLoss batch_loss(ModelSet& models, const Batch& batch, const at::Tensor& codes_BT,
                                   double scale, const ComputeOptions& options);

struct LossNormalization {
  bool per_rank = false;      // mean of the ranks' means (reference)
  bool gradient_sum = false;  // micro-batches' gradients are added, not averaged (reference)
};

/// What the loss sum of each of this rank's micro-batches is multiplied with before its backward
/// pass. `own[i]`: target tokens of micro-batch i of this rank; `all[i]`: of all ranks.
/// Default: 1 / the targets of the whole step, so that neither the cut into micro-batches nor the
/// number of ranks counts.
[[nodiscard]] std::vector<double> loss_scales(const LossNormalization& normalization,
                                              const std::vector<int64_t>& own,
                                              const std::vector<int64_t>& all, int64_t world_size);

}  // namespace mentor
