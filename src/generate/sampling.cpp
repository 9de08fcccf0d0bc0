#include "mentor/generate/sampling.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <limits>

namespace mentor {
namespace {

constexpr double kLowestTemperature = 1e-5;
constexpr double kRemoved = -std::numeric_limits<double>::infinity();

at::Tensor keep_top_k(const at::Tensor& logits_PV, int64_t k) {
  const at::Tensor threshold_P1 = std::get<0>(at::topk(logits_PV, k, -1)).slice(-1, k - 1);
  return logits_PV.masked_fill(logits_PV < threshold_P1, kRemoved);
}

at::Tensor keep_top_p(const at::Tensor& logits_PV, double p) {
  const auto [sorted_PV, order_PV] = at::sort(logits_PV, /*dim=*/-1, /*descending=*/true);
  const at::Tensor cumulative_PV = at::cumsum(at::softmax(sorted_PV, -1), -1);
  at::Tensor removed_PV = cumulative_PV > p;
  // Shifted by one: the token that crosses p is still kept.
  removed_PV = at::constant_pad_nd(removed_PV.slice(-1, 0, -1), {1, 0}, 0);
  return logits_PV.masked_fill(at::empty_like(removed_PV).scatter_(-1, order_PV, removed_PV),
                               kRemoved);
}

}  // namespace

at::Tensor guide(const at::Tensor& cond_PV, const at::Tensor& uncond_PV, double scale) {
  return uncond_PV + (cond_PV - uncond_PV) * scale;
}

at::Tensor filtered_probabilities(const at::Tensor& logits_PV, const SamplingOptions& options) {
  at::Tensor kept_PV = logits_PV / std::max(options.temperature, kLowestTemperature);
  const int64_t num_codes = logits_PV.size(-1);
  if (options.top_k > 0 && options.top_k < num_codes) kept_PV = keep_top_k(kept_PV, options.top_k);
  if (options.top_p < 1) kept_PV = keep_top_p(kept_PV, options.top_p);
  return at::softmax(kept_PV, -1);
}

TokenSampler::TokenSampler(const SamplingOptions& options, const std::vector<uint64_t>& seeds)
    : options_(options) {
  for (const uint64_t seed : seeds) {
    generators_.push_back(at::make_generator<at::CPUGeneratorImpl>(seed));
  }
}

at::Tensor TokenSampler::sample(const at::Tensor& logits_PV) {
  if (options_.greedy) return logits_PV.argmax(-1);
  const at::Tensor probabilities_PV = filtered_probabilities(logits_PV, options_);
  at::Tensor noise_PV = at::empty(logits_PV.sizes(), at::kFloat);
  for (size_t picture = 0; picture < generators_.size(); ++picture) {
    noise_PV[static_cast<int64_t>(picture)].exponential_(1, generators_[picture]);
  }
  // The winner of an exponential race is a draw from the distribution: what torch.multinomial
  // does for one sample.
  return (probabilities_PV / noise_PV.to(logits_PV.device())).argmax(-1);
}

}  // namespace mentor
