#pragma once

#include "mentor/models/model_config.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace mentor {

/// How wide the values are drawn.
enum class Initialization {
  kPublished,  // LlamaGen and the projector as the reference does, T5 and CLIP as Hugging Face does
  kFanIn,      // T5 the same, the others N(0, 1 / inputs): for small models that start from nothing
};

/// Value in fp32, before any training, of a tensor of the decoder or of the multimodal encoder,
/// by its name (published_files.h). Each tensor has a random stream of its own, so neither the
/// order nor the number of threads counts. The codec: initialize() in vqgan.h.
[[nodiscard]] at::Tensor initial_value(const ModelConfig& config, const std::string& name,
                                       at::IntArrayRef shape, uint64_t seed,
                                       Initialization initialization = Initialization::kPublished);

}  // namespace mentor
