#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/tensor/state_dict.h"

#include <torch/nn/module.h>

namespace mentor {

struct EmbedderWeights {
  fs::path path;
  const char* published;  // the file or folder that is meant
  at::ScalarType dtype;
  at::Device device;
};

/// Fills a tower. WeightsError unless all fits and nothing is left over but what is known to be of
/// no use for embedding: logit_scale, position_ids, mask_token.
void fill_embedder(torch::nn::Module& tower, const StateDict& weights,
                   const EmbedderWeights& source);

}  // namespace mentor
