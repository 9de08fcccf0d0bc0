#pragma once

#include "mentor/app/run_config.h"
#include "mentor/data/loader.h"
#include "mentor/data/sampler.h"
#include "mentor/text/tokenizer.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

// The data that a configuration names.

[[nodiscard]] Stage stage_of(const DataConfig& data);

/// How samples are made; `entry` may change rates, null: none does.
[[nodiscard]] SampleOptions sample_options(const RunConfig& config,
                                           const MixtureEntry* entry = nullptr);

/// The configured tokenizer. ConfigError naming the key to put right when none is configured or its
/// <image> has another id than the model's.
[[nodiscard]] Tokenizer open_tokenizer(const RunConfig& config);

/// data.backgrounds; without it those of the toy world where its records are used, else nothing.
[[nodiscard]] std::optional<Backgrounds> open_backgrounds(const RunConfig& config);

/// What an entry of the mixture comes to.
struct MixtureSummary {
  std::string name;
  fs::path file;
  int64_t records = 0;            // that it draws from
  int64_t samples = 0;            // per epoch
  std::map<Task, int64_t> tasks;  // of its records; empty if they were not counted
  int64_t bad = 0;                // lines of the file that are no record
  std::string first_bad;          // what is wrong with the first of them, and where
};

/// data.mixture, opened. All vectors are of its entries that have samples, by name.
struct Mixture {
  std::vector<ExampleSource> sources;
  std::vector<MixtureShare> shares;  // for the sampler
  std::vector<MixtureSummary> entries;

  /// A line for each entry: records, samples per epoch, tasks.
  [[nodiscard]] std::string table() const;
  /// Of the entries' records, each once; those that were counted.
  [[nodiscard]] std::vector<std::string> task_names() const;
};

/// Throws one ConfigError for all entries with a file that is missing or holds nothing of what is
/// asked for, and for a mixture without samples, each with the place of the key. Counts the tasks
/// of the records on all configured threads where a filter needs it, or everywhere.
[[nodiscard]] Mixture open_mixture(const LoadedRunConfig& run, bool count_tasks = true);

/// data.validation as a mixture of one entry, "validation": validation_samples records from all
/// over the file, without image-only samples or replaced subjects. Nothing when none is configured.
[[nodiscard]] std::optional<Mixture> open_validation(const LoadedRunConfig& run);

/// A file as the mixture's entry of that file makes its samples (as data says, where there is no
/// such entry). `entry`: the one of that name, else ConfigError.
[[nodiscard]] ExampleSource open_source(const RunConfig& config, const fs::path& file,
                                        const std::string& entry = "");

struct ExampleOptions {
  uint64_t seed = 0;             // of the run
  double condition_dropout = 0;  // share of samples trained without their condition
  std::shared_ptr<const CodeCache> code_cache = nullptr;  // see app/data_encode.h
};
[[nodiscard]] ExampleMaker make_examples(const RunConfig& config,
                                         std::vector<ExampleSource> sources,
                                         const ExampleOptions& options = {});

}  // namespace mentor
