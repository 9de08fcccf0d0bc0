#pragma once

#include "mentor/eval/samples.h"
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
  std::string samples;     // name of the folder of pictures, for files about several methods
  bool by_people = false;  // who may have left pictures out
};

/// Scores of one file, as attempts that succeeded: a judge's "<id>-<p>": score, a judge's single
/// answer, people's "<id>-<p>": [CP, PF], or what a page of `mentor evaluate rate` saved. Of a
/// folder: those of all its *.json. DataError with the file and key for anything else, for subjects
/// that `dataset` does not have and for scores outside 0-4.
[[nodiscard]] std::vector<Attempt> read_rating_files(const fs::path& path, const Dataset& dataset,
                                                     const RatingFileOptions& options);

/// Gives ratings of people that do not say which picture they are of the hash of the one in
/// `samples`, and returns how many those are. DataError, beginning with the `file` that they are
/// from, when ratings are of other pictures than are there now.
int64_t tie_to_pictures(std::vector<Attempt>& attempts, const std::vector<SampleFiles>& samples,
                        const fs::path& file);

struct ImportCounts {
  int64_t added = 0;
  int64_t changed = 0;  // ratings that people had given otherwise, or to another picture
};
/// Appends what the store lacks. People may change their minds: of theirs the last rating counts.
/// DataError, before anything is written, where the store has another score of a judge, or another
/// rater.
ImportCounts import_attempts(RatingStore& store, const std::vector<Attempt>& attempts,
                             bool by_people = false);

/// Writes the scores of sample 0 as concept_preservation_full/my_method.json, ..._full2 for the
/// second run, and each answer as a file in a folder beside. `out` must be new or empty.
void export_ratings(const Ratings& ratings, const Dataset& dataset, const std::string& method,
                    const fs::path& out);

}  // namespace mentor
