#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/core/words.h"
#include "options.h"

#include <algorithm>
#include <iostream>

namespace mentor {
namespace {

/// The command that the words on the command line lead to.
const CLI::App& chosen_command(const CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : chosen_command(*parsed.front());
}

/// Has commands, and does nothing itself: train takes a file, too.
bool is_group(const CLI::App& app) {
  const bool takes_words =
      std::ranges::any_of(app.get_options(), [](const auto* o) { return o->get_positional(); });
  return !app.get_subcommands({}).empty() && !takes_words;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::string did_you_mean(const std::string& nearest) {
  return nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest);
}

/// What is wrong with a word that nothing on the command line takes.
std::string explain_extra(const CLI::App& command, const std::string& word) {
  if (word.size() > 1 && word[0] == '-') {
    const std::string name = word.substr(0, word.find('='));
    return format("there is no option {}{}", name,
                  did_you_mean(nearest_word(name, option_names(command))));
  }
  if (!is_group(command)) return format("'{}' is one argument too many", word);
  std::vector<std::string> names;
  for (const CLI::App* child : command.get_subcommands({})) names.push_back(child->get_name());
  return format("there is no command '{}'{}", word, did_you_mean(nearest_word(word, names)));
}

/// A mistyped option is named first, also when a required one is missing because of it.
[[noreturn]] void fail_parse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = chosen_command(app);
  std::vector<std::string> extras = app.remaining(/*recurse=*/true);
  // What stands after -- is no mistake of its own, nor is the mark.
  extras.erase(std::ranges::find(extras, "--"), extras.end());
  const std::string why = extras.empty() ? error.what() : explain_extra(command, extras.front());
  const std::string name = full_name(command);
  throw ConfigError(format("{}: {}; see {} --help", name, why, name));
}

void add_global_options(CLI::App& app) {
  app.set_help_flag("-h,--help", "show this help");
  app.set_version_flag("--version", version_text, "show this build, its libraries, the processor");
  app.add_flag_callback(
         "-v,--verbose", [] { log::configure(log::Level::kDebug); }, "log details")
      ->group("Log");
  app.add_option_function<std::string>(
         "--log-level", [](const std::string& name) { log::configure(log::parse_level(name)); },
         "debug, info, warn, error or off (default info)")
      ->type_name("LEVEL")
      ->group("Log");
}

}  // namespace

void add_commands(CLI::App& mentor) {
  add_generate_command(mentor);
  add_train_command(mentor);
  add_score_command(mentor);
  add_evaluate_command(mentor);
  add_codec_command(mentor);
  add_tokenize_command(mentor);
  add_data_command(mentor);
  add_toy_command(mentor);
  add_launch_command(mentor);
  add_weights_command(mentor);
  add_config_command(mentor);
  add_bench_command(mentor);
}

int run_program(int argc, const char* const* argv) {
  CLI::App app("", "mentor");
  app.formatter(std::make_shared<HelpFormatter>());
  // Options of the program may follow the command; what follows it is never another command.
  app.fallthrough();
  app.require_subcommand(0, 1);
  add_global_options(app);
  add_commands(app);
  int exit_code = kExitDone;
  try {
    app.parse(argc, argv);
    const CLI::App& command = chosen_command(app);
    if (is_group(command)) std::cout << command.help();
  } catch (const CLI::CallForHelp&) {
    std::cout << chosen_command(app).help();
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << "\n";
  } catch (const ExitWith& exit) {
    exit_code = exit.code;
  } catch (const CLI::ParseError& error) {
    fail_parse(app, error);
  }
  std::cout.flush();
  if (!std::cout) throw UserError("standard output: cannot write (is the disk full?)");
  return exit_code;
}

}  // namespace mentor
