#pragma once

#include "mentor/models/model_set.h"
#include "mentor/nn/state.h"

#include <string>
#include <vector>

namespace mentor {

// Which model a set of weights belongs to. Tensors by name (published_files.h).

/// Applies the two exceptions to "every tensor has its shape", and says so in `notes`: an
/// unconditional embedding with too few rows grows by freshly drawn ones, a codec without
/// `codebook_used` gets zeros.
[[nodiscard]] StateDict complete_weights(const ModelSet& models, StateDict weights,
                                         std::vector<std::string>& notes);

/// Names and shapes of `weights` against those of the models, in the parts that `weights` holds.
[[nodiscard]] LoadReport compare_weights(const ModelSet& models, const StateDict& weights);

/// Presets whose parts agree with `weights`; those that need no exception first.
[[nodiscard]] std::vector<std::string> fitting_presets(const StateDict& weights);

/// One dimension that can be read off the shapes.
struct Dimension {
  std::string key;  // of the configuration, below `model.`
  std::string value;
};
[[nodiscard]] std::vector<Dimension> dimensions_of(const StateDict& weights);

/// How `config` would have to change for `weights` to fit, as the end of an error message:
/// "the file has decoder.dim 1024 (configured 1280): set model.preset: llamagen-l"; may be empty.
[[nodiscard]] std::string suggest_configuration(const ModelConfig& config,
                                                const StateDict& weights);

}  // namespace mentor
