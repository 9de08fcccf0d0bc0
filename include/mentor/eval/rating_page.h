#pragma once

#include "mentor/eval/dataset.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

struct RatingPageOptions {
  std::vector<fs::path> samples;  // folders of one or two methods' pictures, of different names
  int64_t count = 50;             // prompts to be rated
  uint64_t seed = 0;              // which ones, and what is on which side
  int threads = 1;
};

/// A page that shows people references and pictures, side by side and without names, and saves
/// their scores as a file that `mentor evaluate import` reads. DataError where the methods have no
/// picture in common.
[[nodiscard]] std::string rating_page(const Dataset& dataset, const RatingPageOptions& options);

}  // namespace mentor
