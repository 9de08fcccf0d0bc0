#pragma once

#include "mentor/eval/store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

// Ratings in the files that DreamBench++ publishes, and back.

struct RatingFileOptions {
  std::string rater;               // "gpt-4o-2024-05-13"; of files that do not say who rated
  std::optional<RatingTask> task;  // of files whose folder does not say it
  std::optional<int64_t> run;
  std::string samples;  // name of the folder of pictures, for files about several methods
};

/// Scores of one file, as attempts that succeeded: a judge's "<id>-<p>": score, a judge's single
/// answer, people's "<id>-<p>": [CP, PF], or what a page of `mentor evaluate rate` saved. Of a
/// folder: those of all its *.json. DataError with the file and key for anything else, for subjects
/// that `dataset` does not have and for scores outside 0-4.
[[nodiscard]] std::vector<Attempt> read_rating_files(const fs::path& path, const Dataset& dataset,
                                                     const RatingFileOptions& options);

/// Appends what the store lacks and returns how many that were. DataError, before anything is
/// written, where the store has another score or another rater.
int64_t import_attempts(RatingStore& store, const std::vector<Attempt>& attempts);

/// Writes the scores of sample 0 as concept_preservation_full/my_method.json, ..._full2 for the
/// second run, and each answer as a file in a folder beside. `folder` must be new or empty.
void export_ratings(const Ratings& ratings, const Dataset& dataset, const std::string& method,
                    const fs::path& folder);

}  // namespace mentor
