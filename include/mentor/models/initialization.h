#pragma once

#include "mentor/models/model_config.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace mentor {

/// Value in fp32, before any training, of a tensor of the decoder or of the multimodal encoder,
/// by its name (published_files.h). LlamaGen and the projector as the reference initialises them,
/// T5 and CLIP as Hugging Face does. Each tensor has a random stream of its own, so neither the
/// order nor the number of threads counts. The codec: initialize() in vqgan.h.
[[nodiscard]] at::Tensor initial_value(const ModelConfig& config, const std::string& name,
                                       at::IntArrayRef shape, uint64_t seed);

}  // namespace mentor
