#include "mentor/generate/decoding.h"

#include "mentor/core/interrupt.h"
#include "mentor/generate/finite.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mentor {
namespace {

/// Rows [cond of every picture; uncond of every picture] with room for all image tokens.
KvCache gather_caches(const LlamaGen& model, std::span<const Picture> pictures, int64_t branches) {
  int64_t longest = 0;
  for (const Picture& picture : pictures) {
    longest = std::max(longest, picture.prefix->cache.lengths().front());
  }
  const auto count = static_cast<int64_t>(pictures.size());
  KvCache cache = model->make_cache(branches * count, longest + model->config().image_len());
  for (int64_t branch = 0; branch < branches; ++branch) {
    for (int64_t p = 0; p < count; ++p) {
      cache.copy_row(branch * count + p, pictures[p].prefix->cache, branch);
    }
  }
  return cache;
}

at::Tensor gather_logits(std::span<const Picture> pictures, int64_t branches) {
  std::vector<at::Tensor> rows;
  for (int64_t branch = 0; branch < branches; ++branch) {
    for (const Picture& picture : pictures) rows.push_back(picture.prefix->logits[branch]);
  }
  return at::stack(rows);
}

}  // namespace

Prefix run_prefix(LlamaGen& model, const Condition& condition, bool guided) {
  TORCH_CHECK(condition.lengths.size() == 1, "a prefix is one sequence, got ",
              condition.lengths.size());
  Condition both = condition;
  if (guided) {
    const Condition uncond = model->unconditional(condition.lengths);
    both.features =
        at::cat({condition.features.to(uncond.features.scalar_type()), uncond.features});
    both.lengths.push_back(uncond.lengths.front());
  }
  auto prefilled = model->prefill(both, condition.lengths.front());
  require_finite(prefilled.logits_BV, "predictions of the decoder");
  return {.cache = std::move(prefilled.cache), .logits = std::move(prefilled.logits_BV)};
}

at::Tensor decode_pictures(LlamaGen& model, std::span<const Picture> pictures,
                           const SamplingOptions& options,
                           const std::function<void(int64_t)>& on_step) {
  const auto count = static_cast<int64_t>(pictures.size());
  const int64_t num_tokens = model->config().image_len();
  int64_t branches = options.guided(0) ? 2 : 1;
  KvCache cache = gather_caches(model, pictures, branches);
  at::Tensor logits = gather_logits(pictures, branches);
  std::vector<uint64_t> seeds;
  for (const Picture& picture : pictures) seeds.push_back(picture.seed);
  TokenSampler sampler(options, seeds);

  std::vector<at::Tensor> tokens;
  for (int64_t t = 0; t < num_tokens; ++t) {
    if (t > 0) {
      if (branches == 2 && !options.guided(t)) {  // the rest needs no unconditional branch
        branches = 1;
        cache.keep_rows(count);
      }
      const at::Tensor fed = branches == 2 ? tokens.back().repeat({2}) : tokens.back();
      logits = model->decode_step(fed, t - 1, cache);
    }
    const at::Tensor cond_PV = logits.slice(0, 0, count);
    tokens.push_back(sampler.sample(
        branches == 2 ? guide(cond_PV, logits.slice(0, count), options.guidance_scale) : cond_PV));
    if (on_step) on_step(count);
    throw_if_interrupted();
  }
  // What goes wrong on the way stays in the cache and shows in every later prediction.
  require_finite(logits, "predictions of the decoder");
  return at::stack(tokens, 1);
}

}  // namespace mentor
