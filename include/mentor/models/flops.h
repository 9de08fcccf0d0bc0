#pragma once

#include "mentor/models/model_config.h"

#include <cstdint>

namespace mentor {

// Floating-point operations of one training sample, one multiply-add = 2 (training.md section 8.1).
// Only products of matrices count, causal attention with the half of its matrix that exists, and
// only what our implementation executes: no padding, no vision layer above the one that is read.

struct SampleShape {
  int64_t prompt_tokens = 0;      // condition tokens, pictures included
  int64_t pictures = 0;           // in the prompt
  bool drops_condition = false;   // takes the unconditional embedding: no CLIP, no T5
  bool has_cached_codes = false;  // the target picture does not pass through the codec
};

/// Forward pass by part; the sums are over what the sample needs.
struct ForwardFlops {
  double clip = 0, projector = 0, t5 = 0;
  double condition = 0;  // the decoder's cap_proj
  double blocks = 0;     // its transformer blocks
  double head = 0;       // its output layer, on the image tokens only
  double codec = 0;      // the target's encoder

  [[nodiscard]] double decoder() const { return condition + blocks + head; }
  [[nodiscard]] double total() const { return clip + projector + t5 + decoder() + codec; }
};
[[nodiscard]] ForwardFlops forward_flops(const ModelConfig& config, const SampleShape& shape);

/// What an optimizer step changes. CLIP and the codec never are.
struct TrainedParts {
  bool projector = true, t5 = true;
  bool condition = true, blocks = true, head = true;
};

/// A part's backward costs its forward once for the gradient of its weights if it is trained, and
/// once more for the gradient of its input if anything before it is trained; attention likewise,
/// although it has no weights, as the tables of training.md count it.
[[nodiscard]] double backward_flops(const ForwardFlops& forward, const TrainedParts& trained);

}  // namespace mentor
