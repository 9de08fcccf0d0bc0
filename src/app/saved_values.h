#pragma once

#include "mentor/core/filesystem.h"

#include <string>
#include <vector>

namespace mentor {

/// Something that a training file holds beside the weights, described in a few words.
struct SavedValue {
  std::string key;
  std::string text;  // "3", "158 tensors, 0.4 MB", "image_size=512, lr=0.0001, ..."
};

/// What a file of torch.save holds at its top, besides what is under `wrapper`. Nothing when the
/// weights themselves are at the top.
[[nodiscard]] std::vector<SavedValue> saved_beside_weights(const fs::path& file,
                                                           const std::string& wrapper);

}  // namespace mentor
