#include "mentor/train/optimizer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

namespace mentor {

AdamW::AdamW(ParameterBuckets& buckets, const OptimizerConfig& config, double ema_decay,
             Communicator& communicator)
    : buckets_(buckets), config_(config), ema_decay_(ema_decay), communicator_(communicator) {
  for (const auto& bucket : buckets.buckets()) {
    num_clip_groups_ = std::max(num_clip_groups_, static_cast<size_t>(bucket.clip_group) + 1);
    moments_.push_back({.exp_avg = at::zeros_like(bucket.master),
                        .exp_avg_sq = at::zeros_like(bucket.master),
                        .average = ema_decay > 0
                                       ? bucket.master.to(at::kFloat, false, /*copy=*/true)
                                       : at::Tensor()});
  }
  const auto scalar = at::TensorOptions().dtype(at::kFloat).device(buckets.options().device);
  updates_ = at::zeros({}, scalar);
  skipped_ = at::zeros({}, scalar);
  skipped_in_row_ = at::zeros({}, scalar);
}

at::Tensor AdamW::gradient_norms() const {
  std::vector<std::vector<at::Tensor>> norms(num_clip_groups_);
  for (const auto& bucket : buckets_.buckets()) {
    norms[static_cast<size_t>(bucket.clip_group)].push_back(at::linalg_vector_norm(
        buckets_.own_gradient(bucket), 2, at::OptionalIntArrayRef(), false, at::kFloat));
  }
  std::vector<at::Tensor> squares;
  for (const auto& group : norms) {
    squares.push_back(at::stack(group).to(at::kDouble).square().sum());
  }
  at::Tensor sums = at::stack(squares);
  communicator_.all_reduce_sum(sums).wait();
  return sums.sqrt();
}

at::Tensor AdamW::step(double lr) {
  const at::NoGradGuard no_grad;
  const at::Tensor norms = gradient_norms();
  const at::Tensor found_inf = at::isfinite(norms).all().logical_not().to(at::kFloat);
  at::Tensor grad_scales;  // what the operator divides the gradients of each group by
  if (config_.max_grad_norm > 0) {
    grad_scales = ((norms + 1e-6) / config_.max_grad_norm).clamp_min(1).to(at::kFloat);
  }
  updates_.add_(1 - found_inf);
  skipped_.add_(found_inf);
  skipped_in_row_.add_(found_inf).mul_(found_inf);
  update(lr, grad_scales, found_inf);
  buckets_.publish_weights();
  return norms[0];
}

void AdamW::update(double lr, const at::Tensor& grad_scales, const at::Tensor& found_inf) {
  auto& buckets = buckets_.buckets();
  for (size_t i = 0; i < buckets.size(); ++i) {
    auto& bucket = buckets[i];
    Moments& moments = moments_[i];
    std::vector<at::Tensor> master = {bucket.master};
    std::vector<at::Tensor> gradient = {bucket.gradient_shard.to(bucket.master.scalar_type())};
    at::_fused_adamw_(
        master, gradient, {moments.exp_avg}, {moments.exp_avg_sq}, {}, {updates_}, lr,
        config_.beta1, config_.beta2, bucket.decays ? config_.weight_decay : 0.0, config_.eps,
        /*amsgrad=*/false, /*maximize=*/false,
        grad_scales.defined() ? std::optional(grad_scales[bucket.clip_group]) : std::nullopt,
        std::optional(found_inf));
    if (ema_decay_ > 0) {
      // A skipped step leaves the average alone, too.
      const at::Tensor weight = (1 - found_inf) * (1 - ema_decay_);
      moments.average.lerp_(bucket.master.to(at::kFloat), weight);
    }
  }
}

std::vector<StateSlice> AdamW::slices() const {
  std::vector<StateSlice> slices;
  for (size_t i = 0; i < moments_.size(); ++i) {
    const auto& bucket = buckets_.buckets()[i];
    const int64_t shard_end = bucket.shard_begin + bucket.master.numel();
    for (const auto& slot : bucket.slots) {
      const int64_t begin = std::max(slot.offset, bucket.shard_begin);
      const int64_t end = std::min(slot.offset + slot.numel, shard_end);
      if (begin >= end) continue;
      const auto view = [&](const at::Tensor& shard) {
        return shard.defined() ? shard.narrow(0, begin - bucket.shard_begin, end - begin) : shard;
      };
      slices.push_back({.name = slot.name,
                        .offset = begin - slot.offset,
                        .length = end - begin,
                        .numel = slot.numel,
                        .master = view(bucket.master),
                        .exp_avg = view(moments_[i].exp_avg),
                        .exp_avg_sq = view(moments_[i].exp_avg_sq),
                        .average = view(moments_[i].average)});
    }
  }
  return slices;
}

void AdamW::replace_rows(const std::string& name, const at::Tensor& rows_R,
                         const at::Tensor& values_RE) {
  const at::NoGradGuard no_grad;
  const int64_t width = values_RE.size(1);
  const at::Tensor places =
      (rows_R.unsqueeze(1) * width + at::arange(width, rows_R.options())).flatten();
  for (const StateSlice& slice : slices()) {
    if (slice.name != name) continue;
    const at::Tensor in_slice = places.ge(slice.offset) & places.lt(slice.offset + slice.length);
    const at::Tensor own = places.masked_select(in_slice) - slice.offset;
    const at::Tensor values = values_RE.flatten().masked_select(in_slice);
    for (const at::Tensor& copy : {slice.master, slice.average}) {
      if (copy.defined()) copy.index_copy_(0, own, values.to(copy.scalar_type()));
    }
    for (const at::Tensor& moment : {slice.exp_avg, slice.exp_avg_sq})
      moment.index_fill_(0, own, 0);
  }
  buckets_.publish_weights();
}

void AdamW::set_counters(int64_t updates, int64_t skipped, int64_t skipped_in_row) {
  updates_.fill_(updates);
  skipped_.fill_(skipped);
  skipped_in_row_.fill_(skipped_in_row);
}

}  // namespace mentor
