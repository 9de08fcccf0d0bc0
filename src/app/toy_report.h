#pragma once

#include "toy_score_table.h"

#include <filesystem>
#include <vector>

namespace mentor {

/// Writes one page about a model of the toy world: how far its pictures are right, the first of
/// them beside their references, sentences and what the oracle saw, and the curves of the trainings
/// in `runs`. UserError for a folder that holds no training, and for a page that cannot be written.
void write_toy_report(const std::filesystem::path& file, const std::vector<ScoredPicture>& pictures,
                      const ToyScoreTable& table, const std::vector<std::filesystem::path>& runs);

}  // namespace mentor
