#pragma once

#include "mentor/app/run_config.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <vector>

namespace mentor {

struct ToyScoreOptions {
  RunConfig config;                // of which runtime says how many threads
  std::filesystem::path cases;     // records that `mentor toy make` wrote
  std::filesystem::path pictures;  // a folder
  std::optional<int64_t> count;    // only the first records
  std::optional<std::filesystem::path> json, sheet, report;
  std::vector<std::filesystem::path> runs;  // trainings that the report shows
  double floor = 0;                         // least CP x PF
  double floor_untold = 0;                  // least CP of what the prompts leave untold
};

/// Reads the pictures with the oracle and prints how far they show what their records ask for.
/// Record 17 has those called 000017 or like its target, 000017_target, or one of these with _000,
/// _001, ... behind. UserError for a record without a picture, for a picture that cannot be
/// scored, and, when all is written, for figures below the floor.
void score_toy(const ToyScoreOptions& options, std::ostream& out);

}  // namespace mentor
