#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/dist/launcher.h"
#include "options.h"

#include <algorithm>
#include <memory>

namespace mentor {
namespace {

/// Better one message here than one of every rank.
void check_command(const CLI::App& mentor, const std::vector<std::string>& words) {
  if (words.empty()) return;  // launch() says what is missing
  std::vector<std::string> names;
  for (const CLI::App* command : mentor.get_subcommands({})) names.push_back(command->get_name());
  if (words.front() == "launch") throw ConfigError("launch: cannot start itself");
  if (std::ranges::find(names, words.front()) != names.end()) return;
  const std::string nearest = nearest_word(words.front(), names);
  throw ConfigError(format("there is no command '{}'{}", words.front(),
                           nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest)));
}

}  // namespace

void add_launch_command(CLI::App& mentor) {
  CLI::App* command = mentor.add_subcommand(
      "launch",
      "Runs a command as several processes, one per GPU or share of the CPU, on one machine or, "
      "started on each, on several. Rank 0's output is shown as it is, the others' lines after "
      "\"[rank 3] \". When a rank fails the others are stopped and its message comes last; signals "
      "go to all of them.");
  command->group("Training");
  auto options = std::make_shared<LaunchOptions>();
  command->add_option("--nproc", options->num_processes, "processes on this machine (default 1)")
      ->type_name("N");
  command->add_option("--nodes", options->num_nodes, "machines in all (default 1)")->type_name("N");
  command->add_option("--node-rank", options->node_rank, "which of them this is, from 0")
      ->type_name("N");
  command
      ->add_option("--master", options->master,
                   "the machine of node rank 0 and a free port there; needed for several machines")
      ->type_name("HOST:PORT");
  command
      ->add_option("--log-dir", options->log_dir,
                   "folder for one file per process (rank_003.log); then only rank 0 is shown")
      ->type_name("DIR");
  command
      ->add_option(
          "--threads", options->threads,
          "CPU threads of each process (default: MENTOR_THREADS, OMP_NUM_THREADS, or a share "
          "of the physical cores)")
      ->type_name("N");
  command->add_option("COMMAND", options->command, "after --: the command and its options")
      ->type_name("");
  command->callback([options, &mentor] {
    check_command(mentor, options->command);
    throw ExitWith{launch(*options)};
  });
  command->footer(
      "Examples:\n"
      "  mentor launch --nproc 8 -- train configs/stage1.yaml\n"
      "  mentor launch --nproc 8 --nodes 2 --node-rank 0 --master gpu-1:29500 -- train "
      "configs/stage1.yaml");
}

}  // namespace mentor
