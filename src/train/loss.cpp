#include "mentor/train/loss.h"

#include "mentor/models/condition_prefix.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace mentor {

at::Tensor target_codes(const ModelSet& models, const Batch& batch, const ComputeOptions& options) {
  const at::Tensor codes_BT = batch.codes_BT.to(options.device, /*non_blocking=*/true);
  if (batch.target_rows.empty()) return codes_BT;
  TORCH_CHECK(models.codec, "targets without codes, and no codec to make them");
  const at::NoGradGuard no_grad;
  const at::Tensor made =
      models.codec->encode_to_codes(batch.targets_B3HW.to(options.device, /*non_blocking=*/true));
  const at::Tensor rows = at::tensor(batch.target_rows).to(options.device, /*non_blocking=*/true);
  return codes_BT.index_copy(0, rows, made);
}

Condition make_condition(const ModelSet& models, const Batch& batch,
                         const ComputeOptions& options) {
  std::vector<int64_t> kept_lengths, dropped_lengths;
  std::vector<bool> is_kept(batch.lengths.size(), false);
  for (const int64_t b : batch.kept) is_kept[b] = true;
  for (size_t b = 0; b < batch.lengths.size(); ++b) {
    (is_kept[b] ? kept_lengths : dropped_lengths).push_back(batch.lengths[b]);
  }
  at::Tensor encoded, unconditional;
  if (!kept_lengths.empty()) {
    const EncoderInput input{.ids_BS = batch.ids_KS,
                             .lengths = kept_lengths,
                             .pixels_NCHW = batch.pixels_NCHW.defined()
                                                ? batch.pixels_NCHW.to(options.device, true)
                                                : at::Tensor(),
                             .image_owner = batch.image_owner};
    const ImageAssignment assignment{.reference_flat = options.reference_flat_pictures};
    encoded = pack_rows(models.encoder->forward(input, assignment), kept_lengths);
  }
  if (!dropped_lengths.empty()) {
    unconditional = models.decoder->unconditional(dropped_lengths).features;
  }
  std::vector<at::Tensor> pieces;
  int64_t next_kept = 0, next_dropped = 0;
  for (size_t b = 0; b < is_kept.size(); ++b) {
    int64_t& begin = is_kept[b] ? next_kept : next_dropped;
    const at::Tensor& rows = is_kept[b] ? encoded : unconditional;
    pieces.push_back(rows.narrow(0, begin, batch.lengths[b]));
    begin += batch.lengths[b];
  }
  return {.features = at::cat(pieces), .lengths = batch.lengths};
}

BatchLoss batch_loss(ModelSet& models, const Batch& batch, const at::Tensor& codes_BT, double scale,
                     const ComputeOptions& options) {
  const Condition condition = make_condition(models, batch, options);
  const at::Tensor weights_B1 =
      batch.valid_B.mul(scale).to(options.device, /*non_blocking=*/true).unsqueeze(1);
  const WeightedLosses losses =
      models.decoder->losses(condition, codes_BT, weights_B1.expand_as(codes_BT).contiguous());
  return {.sum = losses.sum, .losses_BT = losses.losses_S.view_as(codes_BT)};
}

std::vector<double> loss_scales(const LossNormalization& normalization,
                                const std::vector<int64_t>& own, const std::vector<int64_t>& all,
                                int64_t world_size) {
  const auto total = static_cast<double>(
      std::max<int64_t>(1, std::accumulate(all.begin(), all.end(), int64_t{0})));
  std::vector<double> scales;
  for (size_t i = 0; i < own.size(); ++i) {
    if (!normalization.per_rank && !normalization.gradient_sum) {
      scales.push_back(1 / total);
      continue;
    }
    const auto targets =
        static_cast<double>(std::max<int64_t>(1, normalization.per_rank ? own[i] : all[i]));
    double scale = 1 / targets;
    if (normalization.per_rank) scale /= static_cast<double>(world_size);
    if (!normalization.gradient_sum) scale /= static_cast<double>(own.size());
    scales.push_back(scale);
  }
  return scales;
}

}  // namespace mentor
