#include "build_info.h"
#include "mentor/app/train.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <memory>

namespace mentor {

void add_train_command(CLI::App& mentor) {
  struct Arguments {
    ConfigArguments config;
    std::string resume = "auto";
  };
  CLI::App* command = mentor.add_subcommand(
      "train",
      "Trains projector, text encoder and decoder on the records of data.mixture. May be "
      "interrupted or killed at any moment: the same command goes on from the newest checkpoint. "
      "The run's folder (train.out) holds checkpoints, metrics.jsonl, TensorBoard files and "
      "report.html.");
  command->group("Training");
  auto arguments = std::make_shared<Arguments>();
  arguments->config.add_to(*command);
  arguments->config.add_key(*command, "-o,--out", "train.out");
  arguments->config.add_key(*command, "--init-from", "train.init_from");
  arguments->config.add_key(*command, "--steps", "train.steps");
  command
      ->add_option("--resume", arguments->resume,
                   "auto: from the newest checkpoint of the run's folder, if there is one; none: "
                   "begin anew; or a checkpoint to go on from (default auto)")
      ->type_name("auto|none|DIR");
  command->callback([arguments] {
    const int code = train_model({.run = arguments->config.load(),
                                  .resume = arguments->resume,
                                  .version = kVersion,
                                  .revision = kGitRevision});
    if (code != 0) throw ExitWith{code};
  });
  command->footer(
      "Examples:\n"
      "  mentor train configs/stage1.yaml\n"
      "  mentor train configs/stage2.yaml --init-from runs/stage1\n"
      "  mentor launch --nproc 8 -- train configs/stage1.yaml      eight GPUs of one machine\n"
      "  mentor config help train                                  everything that can be set");
}

}  // namespace mentor
