#include "mentor/app/inference_tools.h"
#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "options.h"

#include <iostream>
#include <memory>

namespace mentor {

void add_score_command(CLI::App& mentor) {
  CLI::App* command = mentor.add_subcommand(
      "score",
      "Negative log-likelihood of given pictures under their prompts, and its means by task where "
      "records name several. Without --data: of the training records that data.validation names, "
      "as 'mentor train' measures it (data.validation_samples of them).");
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
      ->type_name("FILE");
  command
      ->add_option("-o,--out", options->out,
                   "with --data (required): one JSON line per record: task, sum, mean, tokens; "
                   "without: the means as JSON")
      ->type_name("FILE");
  command->callback([arguments] {
    const LoadedRunConfig run = arguments->config.load();
    ScoreOptions& score = arguments->score;
    if (score.records.empty()) return score_held_out(run, score.out, std::cout);
    if (score.out.empty()) throw ConfigError("--out: name the file for the scores of --data");
    score.config = run.config;
    score_pictures(score);
  });
  command->footer(
      "Examples:\n  mentor score weights/tiny/config.yaml --data records.jsonl --out nll.jsonl\n"
      "  mentor score configs/toy/stage2.yaml --set weights.model=runs/toy/stage2");
}

}  // namespace mentor
