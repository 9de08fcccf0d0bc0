#pragma once

#include "mentor/app/run_config.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// The configuration arguments of a command: CONFIG, --set, and options that are short for a key.
/// Must live as long as the command: commands keep it in the shared_ptr of their options.
class ConfigArguments {
 public:
  /// Adds [CONFIG] and --set KEY=VALUE.
  void add_to(CLI::App& command);
  /// The same with the configuration as -c,--config FILE, for commands that take other arguments.
  void add_as_option_to(CLI::App& command);
  /// Adds an option ("-s,--seed") that sets `path`; help, range and default are the field's own.
  void add_key(CLI::App& command, const std::string& names, const std::string& path);

  [[nodiscard]] LoadedRunConfig load() const;

 private:
  void add_set_to(CLI::App& command);

  std::optional<std::string> file_;
  std::vector<std::string> assignments_;
  std::vector<Override> keys_;
};

/// Thrown by a command that did its work and has an exit code of its own for the result.
struct ExitWith {
  int code;
};

/// What a shell cannot easily type: the two characters \n become a line break.
[[nodiscard]] std::string unescape_newlines(std::string text);

/// Help texts wrapped to the terminal; for `mentor` itself the newcomers' page.
class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

/// "mentor config check": the words that lead to a command.
[[nodiscard]] std::string full_name(const CLI::App& app);

}  // namespace mentor
