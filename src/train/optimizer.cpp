#include "mentor/train/optimizer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

namespace mentor {

AdamW::AdamW(ParameterBuckets& buckets, const OptimizerConfig& config, double ema_decay,
             Communicator& communicator)
    : buckets_(buckets), config_(config), ema_decay_(ema_decay), communicator_(communicator) {
  for (const auto& bucket : buckets.buckets()) {
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

at::Tensor AdamW::gradient_norm() const {
  std::vector<at::Tensor> norms;
  for (const auto& bucket : buckets_.buckets()) {
    norms.push_back(at::linalg_vector_norm(buckets_.own_gradient(bucket), 2,
                                           at::OptionalIntArrayRef(), false, at::kFloat));
  }
  at::Tensor squares = at::stack(norms).to(at::kDouble).square().sum();
  communicator_.all_reduce_sum(squares).wait();
  return squares.sqrt();
}

at::Tensor AdamW::step(double lr) {
  const at::NoGradGuard no_grad;
  const at::Tensor norm = gradient_norm();
  const at::Tensor found_inf = at::isfinite(norm).logical_not().to(at::kFloat);
  at::Tensor grad_scale;  // what the operator divides gradients by
  if (config_.max_grad_norm > 0) {
    grad_scale = ((norm + 1e-6) / config_.max_grad_norm).clamp_min(1).to(at::kFloat);
  }
  updates_.add_(1 - found_inf);
  skipped_.add_(found_inf);
  skipped_in_row_.add_(found_inf).mul_(found_inf);
  update(lr, grad_scale, found_inf);
  buckets_.publish_weights();
  return norm;
}

void AdamW::update(double lr, const at::Tensor& grad_scale, const at::Tensor& found_inf) {
  auto& buckets = buckets_.buckets();
  for (size_t i = 0; i < buckets.size(); ++i) {
    auto& bucket = buckets[i];
    Moments& moments = moments_[i];
    std::vector<at::Tensor> master = {bucket.master};
    std::vector<at::Tensor> gradient = {bucket.gradient_shard.to(bucket.master.scalar_type())};
    at::_fused_adamw_(master, gradient, {moments.exp_avg}, {moments.exp_avg_sq}, {}, {updates_}, lr,
                      config_.beta1, config_.beta2, bucket.decays ? config_.weight_decay : 0.0,
                      config_.eps, /*amsgrad=*/false, /*maximize=*/false,
                      grad_scale.defined() ? std::optional(grad_scale) : std::nullopt,
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

void AdamW::set_counters(int64_t updates, int64_t skipped, int64_t skipped_in_row) {
  updates_.fill_(updates);
  skipped_.fill_(skipped);
  skipped_in_row_.fill_(skipped_in_row);
}

}  // namespace mentor
