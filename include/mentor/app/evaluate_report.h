#pragma once

#include "mentor/app/run_config.h"
#include "mentor/eval/comparison.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

// What `mentor evaluate` makes of ratings.

/// Writes the report of evaluate.out and prints the headline.
void report_evaluation(const LoadedRunConfig& run, std::ostream& out);

/// Prints the differences of two methods; `json`: writes them too.
void compare_evaluations(const ComparisonOptions& options,
                         const std::optional<std::filesystem::path>& json, std::ostream& out);

struct ImportOptions {
  RunConfig config;
  std::vector<std::filesystem::path> files;
  std::string judge, people;  // who rated; one of them, where a file does not say
  std::optional<std::string> task;
  std::optional<int64_t> run;
};
/// Adds ratings of others to those in evaluate.out: a judge's to its own, people's beside them.
void import_ratings(const ImportOptions& options, std::ostream& out);

/// Writes the ratings in the published form.
void export_evaluation(const RunConfig& config, const std::filesystem::path& folder,
                       std::ostream& out);

struct RateOptions {
  RunConfig config;
  std::optional<std::filesystem::path> against;  // another method's samples
  std::filesystem::path page;
  int64_t count = 50, seed = 0;
};
/// Writes the page on which people rate.
void write_rating_page(const RateOptions& options, std::ostream& out);

}  // namespace mentor
