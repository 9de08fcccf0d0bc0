#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "options.h"

#include <algorithm>

namespace mentor {
namespace {

constexpr size_t kHelpColumn = 24;

constexpr const char* kIntroduction =
    "mentor makes pictures from a sentence and reference pictures (MENTOR, arXiv 2507.09574): CLIP "
    "and FlanT5 encode both, the LlamaGen decoder predicts the codes of a new picture, the VQGAN "
    "codec turns them into pixels.";

constexpr const char* kFirstSteps =
    "Try first:\n"
    "  mentor weights init --out weights/tiny     small random weights, no download\n"
    "  mentor generate weights/tiny/config.yaml --prompt \"a red fox\" --out fox.png\n"
    "  mentor config help generate                what can be set for it\n";

/// "  left    right", the right side wrapped in its column.
std::string row(const std::string& left, const std::string& right) {
  std::string text = "  " + left;
  if (text.size() + 2 > kHelpColumn) {
    text += '\n';
    text.append(kHelpColumn, ' ');
  } else {
    text.append(kHelpColumn - text.size(), ' ');
  }
  return text + wrap_words(right, terminal_columns(), static_cast<int>(kHelpColumn)) + "\n";
}

std::string option_label(const CLI::Option& option) {
  std::string label = option.get_name(option.get_positional(), /*all_options=*/true);
  std::string spaced;
  for (const char c : label) spaced += c == ',' ? std::string(", ") : std::string(1, c);
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() != 0 && !type.empty()) spaced += " " + type;
  if (option.get_positional() && option.get_items_expected_max() > 1) spaced += "...";
  return spaced;
}

std::string usage(const CLI::App& app) {
  std::string text = "Usage: " + full_name(app);
  std::string words;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name =
        option->get_name(true) + (option->get_items_expected_max() > 1 ? "..." : "");
    words += option->get_required() ? " " + name : " [" + name + "]";
  }
  if (app.get_subcommands({}).empty()) return text + " [OPTIONS]" + words + "\n";
  return text + (words.empty() ? " COMMAND" : " [COMMAND] [OPTIONS]" + words) + "\n";
}

std::string options_of(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    const std::string need = option->get_required() ? " (required)" : "";
    text += row(option_label(*option), option->get_description() + need);
  }
  return text;
}

/// Commands under the headings of their groups, both in the order they were added.
std::string commands_of(const CLI::App& app) {
  std::vector<std::string> groups;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (std::ranges::find(groups, command->get_group()) == groups.end()) {
      groups.push_back(command->get_group());
    }
  }
  std::string text;
  for (const std::string& group : groups) {
    text += format("\n{}:\n", app.get_parent() ? "Commands" : group);
    for (const CLI::App* command : app.get_subcommands({})) {
      if (command->get_group() == group)
        text += row(command->get_name(), command->get_description());
    }
  }
  return text;
}

}  // namespace

std::string full_name(const CLI::App& app) {
  return app.get_parent() ? full_name(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  const bool is_root = app->get_parent() == nullptr;
  const CLI::App* root = app;
  while (root->get_parent()) root = root->get_parent();

  std::string text =
      wrap_words(is_root ? kIntroduction : app->get_description(), terminal_columns(), 0) + "\n\n";
  if (is_root) text += std::string(kFirstSteps) + "\n";
  text += usage(*app) + commands_of(*app) + "\nOptions:\n" + options_of(*app);
  if (!is_root) {
    // --help is among the command's own; of the program's the log options apply everywhere.
    for (const CLI::Option* option : root->get_options()) {
      if (option->get_group() == "Log") {
        text += row(option_label(*option), option->get_description());
      }
    }
  }
  const std::string footer = app->get_footer();
  if (!footer.empty()) text += "\n" + footer + "\n";
  if (is_root) {
    text += "\n" +
            wrap_words("'mentor COMMAND --help' explains a command.", terminal_columns(), 0) + "\n";
  }
  return text;
}

}  // namespace mentor
