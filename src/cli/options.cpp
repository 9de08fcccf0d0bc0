#include "options.h"

#include "mentor/core/format.h"

namespace mentor {

void ConfigArguments::add_to(CLI::App& command) {
  command.add_option("CONFIG", file_, "configuration file; without one: the tiny preset")
      ->type_name("");
  add_set_to(command);
}

void ConfigArguments::add_as_option_to(CLI::App& command) {
  command.add_option("-c,--config", file_, "configuration file; without one: the tiny preset")
      ->type_name("FILE");
  add_set_to(command);
}

void ConfigArguments::add_set_to(CLI::App& command) {
  command
      .add_option("--set", assignments_,
                  "set a key of the configuration, as in --set generate.seed=1; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void ConfigArguments::add_key(CLI::App& command, const std::string& names,
                              const std::string& path) {
  RunConfig defaults;
  const FieldTable table = fields_of(defaults);
  const Field& field = *table.find_field(path);
  const std::string origin = names.substr(names.rfind(',') + 1);
  const auto keep = [this, path, origin](const std::string& value) {
    keys_.push_back({.path = path, .value = value, .origin = origin});
  };
  if (std::holds_alternative<bool*>(field.target)) {
    command.add_flag_callback(
        names, [keep] { keep("true"); }, field.help);
    return;
  }
  const std::string range = describe(field.bound);
  const std::string help = format("{}{} (default {})", field.help,
                                  range.empty() ? "" : "; " + range, yaml_text(field.value()));
  command.add_option_function<std::string>(names, keep, help)->type_name("VALUE");
}

LoadedRunConfig ConfigArguments::load() const {
  std::vector<Override> overrides;
  for (const std::string& assignment : assignments_) {
    overrides.push_back(parse_override(assignment));
  }
  overrides.insert(overrides.end(), keys_.begin(), keys_.end());
  return load_run_config(file_, overrides);
}

std::string unescape_newlines(std::string text) {
  for (size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at + 1)) {
    text.replace(at, 2, "\n");
  }
  return text;
}

}  // namespace mentor
