#include "mentor/app/run_config.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/dist/process_environment.h"

namespace mentor {
namespace {

constexpr const char* kDefaultName = "embedded default";
constexpr const char* kDefaultConfig = "model:\n  preset: tiny\n";

/// Tasks whose prompt shows a picture.
bool needs_vision(const std::string& task) { return task != "none" && task != "text"; }

}  // namespace

int RuntimeConfig::cpu_threads() const {
  return threads > 0 ? static_cast<int>(threads) : default_threads();
}

void RunConfig::validate(const Origins& origins) const {
  std::string problems;
  const auto add = [&](const std::string& path, const std::string& why) {
    problems += (problems.empty() ? "" : "\n") + origins.where(path) + path + ": " + why;
  };
  for (const std::string& problem : check_model_config(model)) {
    const size_t colon = problem.find(": ");
    add("model." + problem.substr(0, colon), problem.substr(colon + 2));
  }
  if (needs_vision(generate.task) && !model.vision) {
    add("generate.task",
        format("'{}' shows a picture in the prompt, but model.vision is false", generate.task));
  }
  const bool counts_micro_steps = schedule.horizon == "micro_steps" ||
                                  train.reference_gradient_sum ||
                                  train.loss_normalization == "per_rank";
  if (counts_micro_steps && train.token_budget > 0) {
    add("train.token_budget",
        "must be 0 with schedule.horizon micro_steps, train.reference_gradient_sum and "
        "train.loss_normalization per_rank: they need micro-batches of equal numbers");
  }
  for (const auto& [name, entry] : data.mixture) {
    if (!entry.file.empty()) continue;
    // Most likely a misspelt name: nobody names a source without its file.
    std::vector<std::string> others;
    for (const auto& [other, with_file] : data.mixture) {
      if (!with_file.file.empty()) others.push_back(other);
    }
    const std::string nearest = nearest_word(name, others);
    add("data.mixture." + name, nearest.empty()
                                    ? std::string("names no file")
                                    : format("names no file (did you mean '{}'?)", nearest));
  }
  if (!problems.empty()) throw ConfigError(problems);
}

LoadedRunConfig load_run_config(const std::optional<std::filesystem::path>& file,
                                const std::vector<Override>& overrides) {
  ConfigInput input{.name = kDefaultName, .text = kDefaultConfig, .overrides = overrides};
  if (file) {
    input.name = file->string();
    input.text.reset();
  }
  LoadedRunConfig loaded;
  loaded.origins = read_config(input, loaded.config);
  loaded.config.validate(loaded.origins);
  return loaded;
}

}  // namespace mentor
