#pragma once

#include "mentor/generate/sampling.h"
#include "mentor/models/llamagen.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

namespace mentor {

/// The prefix of one request, run once however many pictures are drawn from it: row 0 of the
/// cache is the conditional branch, row 1 the unconditional one (with guidance only).
struct Prefix {
  KvCache cache;
  at::Tensor logits;  // [1 or 2, V]
};

/// `condition` holds one sequence. Computed alone, so it depends on nothing but the request.
[[nodiscard]] Prefix run_prefix(LlamaGen& model, const Condition& condition, bool guided);

/// One picture to draw.
struct Picture {
  const Prefix* prefix = nullptr;
  uint64_t seed = 0;
};

/// Draws the image tokens of all pictures as one batch: int64 [P, image_len]. `on_step` is called
/// after every token with the number of pictures. Throws Interrupted between two steps.
[[nodiscard]] at::Tensor decode_pictures(LlamaGen& model, std::span<const Picture> pictures,
                                         const SamplingOptions& options,
                                         const std::function<void(int64_t)>& on_step = {});

}  // namespace mentor
