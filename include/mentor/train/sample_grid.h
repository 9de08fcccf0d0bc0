#pragma once

#include "mentor/image/image.h"

#include <span>
#include <string>
#include <vector>

namespace mentor {

/// One validation sample and what the model makes of it.
struct SampleRow {
  std::string task;               // shown above the prompt
  std::string prompt;             // as people write it: without the repeated placeholders
  std::vector<Image> references;  // none for text-to-image
  Image target;                   // may be empty
  std::vector<Image> samples;
};

/// Rows of reference | prompt | target | samples on white, under a line of headings. Several
/// references share their cell; pictures of any size and shape are fitted into `cell_size` pixels.
/// Throws std::invalid_argument without rows.
[[nodiscard]] Image sample_grid(std::span<const SampleRow> rows, int64_t cell_size = 224);

}  // namespace mentor
