#pragma once

#include "mentor/models/llamagen.h"
#include "mentor/models/model_config.h"
#include "mentor/models/multimodal_encoder.h"
#include "mentor/models/published_files.h"
#include "mentor/models/vqgan.h"

#include <vector>

namespace mentor {

struct ModelChoice {
  bool encoder = true, decoder = true, codec = true;
};

/// The models of one run. An empty holder is a model that the run does not need.
struct ModelSet {
  ModelConfig config;
  MultimodalEncoder encoder{nullptr};
  LlamaGen decoder{nullptr};
  Vqgan codec{nullptr};

  [[nodiscard]] std::vector<Part> parts() const;
};

/// Builds them shape-only (nn/parameters.h): milliseconds, no memory. A class-conditional decoder
/// has no encoder.
[[nodiscard]] ModelSet build_models(const ModelConfig& config, const ModelChoice& choice = {});

/// Every parameter and buffer by its name (published_files.h), aliases under each of theirs.
[[nodiscard]] StateDict named_tensors(const ModelSet& models);

}  // namespace mentor
