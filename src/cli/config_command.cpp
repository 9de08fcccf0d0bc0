#include "mentor/app/ablation.h"
#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "mentor/core/words.h"
#include "options.h"

#include <iostream>

namespace mentor {
namespace {

/// The problems of all files together.
void check_files(const std::vector<std::string>& files) {
  std::string problems;
  for (const std::string& file : files) {
    try {
      (void)load_run_config(file);
      std::cout << file << ": valid\n";
    } catch (const UserError& e) {
      problems += (problems.empty() ? "" : "\n") + std::string(e.what());
    }
  }
  if (!problems.empty()) throw ConfigError(problems);
}

void add_check(CLI::App& config) {
  CLI::App* command = config.add_subcommand(
      "check", "Reads configuration files and reports every problem with its place and cure.");
  auto files = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "configuration files")->required()->type_name("");
  command->callback([files] { check_files(*files); });
  command->footer("Example:\n  mentor config check configs/generate.yaml");
}

void add_dump(CLI::App& config) {
  struct Options {
    ConfigArguments config;
    bool minimal = false;
  };
  CLI::App* command = config.add_subcommand(
      "dump",
      "Prints the complete configuration, where each value comes from as a comment. What "
      "it prints is a configuration file itself.");
  auto options = std::make_shared<Options>();
  options->config.add_to(*command);
  command->add_flag("--minimal", options->minimal, "only presets and values that differ from them");
  command->callback([options] {
    const LoadedRunConfig loaded = options->config.load();
    std::cout << dump_config(loaded.config, loaded.origins, options->minimal);
  });
  command->footer("Example:\n  mentor config dump configs/tiny.yaml --set generate.seed=1");
}

void add_help(CLI::App& config) {
  CLI::App* command = config.add_subcommand(
      "help", "Explains the keys of a configuration file: type, range, default and meaning.");
  auto section = std::make_shared<std::string>();
  command
      ->add_option(
          "SECTION", *section,
          "a section or key, or all; without it: the sections. 'ablation': what the file of "
          "'mentor toy ablate' may hold")
      ->type_name("");
  command->callback([section] {
    if (*section == "ablation") {
      AblationConfig table;
      std::cout << config_help(fields_for_help(table), "all", terminal_columns());
      return;
    }
    RunConfig defaults;
    std::cout << config_help(fields_for_help(defaults), *section, terminal_columns());
  });
  command->footer("Example:\n  mentor config help model.decoder");
}

}  // namespace

void add_config_command(CLI::App& mentor) {
  CLI::App* config =
      mentor.add_subcommand("config", "Check, print and explain configuration files.");
  config->group("Configuration");
  config->require_subcommand(0, 1);
  add_check(*config);
  add_dump(*config);
  add_help(*config);
}

}  // namespace mentor
