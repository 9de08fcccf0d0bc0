#include "mentor/app/run_config.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/dist/process_environment.h"

#include <algorithm>

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

DecodeOptions RuntimeConfig::picture_decoding() const {
  return {.apply_orientation = true,
          .alpha_on_white = true,
          .max_pixels = max_image_pixels,
          .min_side = min_image_side};
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
    if (!entry.file.empty() && entry.is_toy()) {
      add("data.mixture." + name + ".toy", "the entry names a file, too: choose one of them");
    }
    if (!entry.file.empty() || entry.is_toy()) continue;
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
  if (data.validation_toy && !data.validation.empty()) {
    add("data.validation_toy", "data.validation names a file, too: choose one of them");
  }
  if (!toy.has_known_size()) {
    add("toy.size", format("must be 32, 64 or 128, not {}", toy.size));
  } else if (draws_toy_records(data) && toy.size != model.image_size) {
    add("toy.size",
        format(
            "is {}, but model.image_size is {}: they must be equal, for a drawn picture is never "
            "scaled",
            toy.size, model.image_size));
  }
  if (toy.identities > toy.num_train_identities()) {
    add("toy.identities", format("is {}, but the palette '{}' has {} for training", toy.identities,
                                 toy.palette, toy.num_train_identities()));
  }
  if (!problems.empty()) throw ConfigError(problems);
}

bool draws_toy_records(const DataConfig& data) {
  return data.validation_toy ||
         std::ranges::any_of(data.mixture, [](const auto& entry) { return entry.second.is_toy(); });
}

std::vector<ValueChange> changed_values(RunConfig before, RunConfig now) {
  const FieldTable old_table = fields_of(before), new_table = fields_of(now);
  const auto value_in = [](const FieldTable& table, const std::string& path) {
    const Field* field = table.find_field(path);
    return field ? yaml_text(field->value()) : std::string("nothing");
  };
  std::vector<ValueChange> changes;
  const auto add = [&](const Field& field) {
    ValueChange change{.path = field.path,
                       .before = value_in(old_table, field.path),
                       .now = value_in(new_table, field.path),
                       .is_path = std::holds_alternative<std::filesystem::path*>(field.target)};
    if (change.before != change.now) changes.push_back(std::move(change));
  };
  for (const Field& field : new_table.fields()) add(field);
  for (const Field& field : old_table.fields()) {
    if (!new_table.find_field(field.path)) add(field);
  }
  return changes;
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
