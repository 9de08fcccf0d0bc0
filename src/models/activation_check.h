#pragma once

#include "mentor/core/filesystem.h"

#include <string>
#include <vector>

namespace mentor {

/// Compares `model.t5.activation` with the dense_act_fn of the config.json beside Hugging Face
/// weights (a folder, or a file in it): published T5 models differ in it and the shapes do not
/// show it. ConfigError when they differ; a note when there is nothing to compare with.
void check_activation(const fs::path& weights, const std::string& activation,
                      std::vector<std::string>& notes);

}  // namespace mentor
