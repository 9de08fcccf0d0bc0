#pragma once

#include "mentor/data/loader.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mentor {

// B samples, K of them with a condition, S ids of the longest of those, N pictures, T image tokens.

/// Samples that are computed at once. All tensors are on the host.
struct Batch {
  std::vector<Task> tasks;       // [B]
  std::vector<int64_t> lengths;  // [B] prompt tokens: the rows of the decoder's prefix
  std::vector<int64_t> kept;     // [K] samples whose condition was not dropped, in order
  at::Tensor valid_B;            // fp32, 0 for a target that counts for nothing

  at::Tensor ids_KS;                 // int64, padded on the right, always on the host
  at::Tensor pixels_NCHW;            // of the kept samples; undefined without any
  std::vector<int64_t> image_owner;  // [N] which of the K

  at::Tensor codes_BT;               // int64; rows of targets that are not yet coded: 0
  std::vector<int64_t> target_rows;  // samples that the codec has to code
  at::Tensor targets_B3HW;           // their pixels; undefined without any
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(tasks.size()); }
  [[nodiscard]] int64_t target_tokens() const;  // image tokens that count
};

struct BatchShape {
  int64_t clip_size = 224;
  int64_t image_size = 512;
  int64_t image_tokens = 1024;  // of a sample
  int64_t pad_id = 0;
};

[[nodiscard]] Batch collate(const std::vector<const Example*>& examples, const BatchShape& shape);

struct MicroBatchLimits {
  int64_t samples = 1;
  int64_t tokens = 0;           // prompt and image tokens; 0: no limit
  int64_t image_tokens = 1024;  // of a sample
};

/// Cuts the samples of one step into batches of similar prompt lengths, so that little is padded.
/// Returns indices into `examples`. How a step is cut changes no sum, only the order of adding.
[[nodiscard]] std::vector<std::vector<size_t>> cut_micro_batches(
    const std::vector<Example>& examples, const MicroBatchLimits& limits);

}  // namespace mentor
