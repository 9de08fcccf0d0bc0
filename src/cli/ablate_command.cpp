#include "mentor/app/ablation.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <iostream>
#include <memory>

namespace mentor {

void add_toy_ablate_command(CLI::App& toy) {
  struct Arguments {
    std::filesystem::path file;
    std::vector<Override> overrides;
    AblateOptions ablate;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = toy.add_subcommand(
      "ablate",
      "Trains the method and what is left of it without one of its parts, several times, and sets "
      "what comes out beside the paper's ablations: report.html. Every training "
      "is an ordinary run of 'mentor train' in a folder of its own. May be interrupted or killed "
      "at any moment: the same command goes on.");
  command->add_option("CONFIG", arguments->file, "the table: its rows and what they have in common")
      ->required()
      ->type_name("");
  const auto add_key = [&](const std::string& names, const std::string& path,
                           const std::string& help, const std::string& type) {
    const std::string origin = names.substr(names.rfind(',') + 1);
    command
        ->add_option_function<std::string>(
            names,
            [arguments, path, origin](const std::string& value) {
              arguments->overrides.push_back({.path = path, .value = value, .origin = origin});
            },
            help)
        ->type_name(type);
  };
  add_key("--seeds", "seeds", "trainings of each row (default: the table's)", "N");
  add_key("-o,--out", "out", "folder to write, or to go on in (default: the table's)", "DIR");
  command
      ->add_option_function<std::vector<std::string>>(
          "--set",
          [arguments](const std::vector<std::string>& assignments) {
            for (const std::string& one : assignments) {
              arguments->overrides.push_back(parse_override(one));
            }
          },
          "set a key of the table, as in --set cases=100; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option("--nproc", arguments->ablate.num_processes,
                   "trainings at a time, of one thread each (default: the physical cores)")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N");
  command->add_flag("--plan", arguments->ablate.plan_only, "only say what would be done");
  command->callback([arguments] {
    arguments->ablate.ablation = load_ablation(arguments->file, arguments->overrides);
    const int code = ablate(arguments->ablate, std::cout);
    if (code != 0) throw ExitWith{code};
  });
  command->footer(
      "Examples:\n"
      "  mentor toy ablate configs/toy/ablations.yaml --plan       what it would do, and is the "
      "file "
      "right?\n"
      "  mentor toy ablate configs/toy/ablations.yaml --seeds 3\n"
      "  mentor config help ablation                               what CONFIG may hold");
}

}  // namespace mentor
