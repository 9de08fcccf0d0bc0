#include "mentor/app/inference_tools.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <memory>

namespace mentor {

void add_score_command(CLI::App& mentor) {
  CLI::App* command = mentor.add_subcommand(
      "score",
      "Negative log-likelihood of given pictures under their prompts, and its means by task where "
      "records name several.");
  command->group("Pictures");
  struct Arguments {
    ConfigArguments config;
    ScoreOptions score;
  };
  auto arguments = std::make_shared<Arguments>();
  ScoreOptions* options = &arguments->score;
  arguments->config.add_to(*command);
  command
      ->add_option(
          "--data", options->records,
          "JSON lines {\"prompt\": ..., \"image\": ..., \"task\": ..., \"target\": FILE}, or "
          "\"tokens\": [...] instead of \"target\"")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--out", options->out, "one JSON line per record: task, sum, mean, tokens")
      ->required()
      ->type_name("FILE");
  command->callback([arguments] {
    arguments->score.config = arguments->config.load().config;
    score_pictures(arguments->score);
  });
  command->footer(
      "Example:\n  mentor score weights/tiny/config.yaml --data records.jsonl --out nll.jsonl");
}

}  // namespace mentor
