#include "mentor/app/bench.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <iostream>
#include <string>
#include <vector>

namespace mentor {
namespace {

struct BenchArguments {
  ConfigArguments config;
  BenchOptions bench;
  bool json = false;
};

using Bench = BenchResult (*)(const RunConfig&, const BenchOptions&);

struct NumberOption {
  const char* flag;
  int64_t BenchOptions::*value;
  const char* help;
};
constexpr NumberOption kPromptTokens{
    "--prompt-tokens", &BenchOptions::prompt_tokens,
    "length of the prompt (default 320, a picture and a sentence, or what the preset holds)"};
constexpr NumberOption kSteps{"--steps", &BenchOptions::steps, "decode steps to time (default 40)"};
constexpr NumberOption kRuns{"--runs", &BenchOptions::runs,
                             "repetitions of what is timed (default 5)"};
constexpr NumberOption kMicroBatch{"--micro-batch", &BenchOptions::micro_batch,
                                   "samples of a step (default 1)"};

struct BenchDescription {
  const char *name, *help;
  Bench run;
  std::vector<NumberOption> numbers = {kPromptTokens, kRuns};
};

void add_bench(CLI::App& group, const BenchDescription& bench) {
  CLI::App* command = group.add_subcommand(bench.name, bench.help);
  auto options = std::make_shared<BenchArguments>();
  options->config.add_to(*command);
  options->config.add_key(*command, "--preset", "model.preset");
  options->config.add_key(*command, "--dtype", "runtime.dtype");
  options->config.add_key(*command, "--threads", "runtime.threads");
  options->config.add_key(*command, "--guidance-scale", "generate.guidance_scale");
  for (const NumberOption& number : bench.numbers) {
    command->add_option(number.flag, options->bench.*number.value, number.help)
        ->check(CLI::Range(1, 10000).description(""))
        ->type_name("NUMBER");
  }
  command->add_flag("--json", options->json, "one line of JSON instead of a table");
  command->callback([options, run = bench.run] {
    const BenchResult result = run(options->config.load().config, options->bench);
    std::cout << (options->json ? result.json() + "\n" : result.text());
  });
  command->footer(std::string("Example:\n  mentor bench ") + bench.name + " --preset tiny --json");
}

void add_loader(CLI::App& group) {
  CLI::App* command = group.add_subcommand("loader", "Records to examples, as for training.");
  auto options = std::make_shared<BenchArguments>();
  options->config.add_to(*command);
  options->config.add_key(*command, "--threads", "runtime.threads");
  options->config.add_key(*command, "--backgrounds", "data.backgrounds");
  command
      ->add_option("--data", options->bench.data, "JSONL file of records; without it: data.mixture")
      ->type_name("FILE");
  command->add_option("--samples", options->bench.samples, "samples to time (default 200)")
      ->check(CLI::Range(1, 1000000).description(""))
      ->type_name("NUMBER");
  command->add_flag("--json", options->json, "one line of JSON instead of a table");
  command->callback([options] {
    const BenchResult result = bench_loader(options->config.load(), options->bench);
    std::cout << (options->json ? result.json() + "\n" : result.text());
  });
  command->footer("Example:\n  mentor bench loader weights/tiny/config.yaml --data train.jsonl");
}

void add_toy(CLI::App& group) {
  CLI::App* command = group.add_subcommand(
      "toy", "Pictures of the toy world: drawing them, and reading them as its oracle does.");
  auto options = std::make_shared<BenchArguments>();
  options->config.add_to(*command);
  options->config.add_key(*command, "--size", "toy.size");
  options->config.add_key(*command, "--threads", "runtime.threads");
  command->add_option("--samples", options->bench.samples, "pictures of a run (default 200)")
      ->check(CLI::Range(1, 100000).description(""))
      ->type_name("NUMBER");
  command->add_option("--runs", options->bench.runs, "repetitions (default 5)")
      ->check(CLI::Range(1, 10000).description(""))
      ->type_name("NUMBER");
  command->add_flag("--json", options->json, "one line of JSON instead of a table");
  command->callback([options] {
    const BenchResult result = bench_toy(options->config.load().config, options->bench);
    std::cout << (options->json ? result.json() + "\n" : result.text());
  });
  command->footer("Example:\n  mentor bench toy --size 64 --json");
}

}  // namespace

void add_bench_command(CLI::App& mentor) {
  CLI::App* group = mentor.add_subcommand(
      "bench", "Times one part of the work with random weights of the real dimensions.");
  group->group("Performance");
  add_bench(*group, {.name = "decode",
                     .help = "Prefill and decode steps.",
                     .run = bench_decode,
                     .numbers = {kPromptTokens, kSteps, kRuns}});
  add_bench(*group,
            {.name = "encode", .help = "Text encoder and vision tower.", .run = bench_encode});
  add_bench(
      *group,
      {.name = "codec", .help = "Image codec, both ways.", .run = bench_codec, .numbers = {kRuns}});
  add_bench(*group, {.name = "train",
                     .help = "Forward and backward pass of the decoder in a training step.",
                     .run = bench_train,
                     .numbers = {kPromptTokens, kMicroBatch, kRuns}});
  add_bench(*group, {.name = "train-step",
                     .help = "A whole optimizer step of stage 2, by part.",
                     .run = bench_train_step,
                     .numbers = {kPromptTokens, kMicroBatch, kRuns}});
  add_loader(*group);
  add_toy(*group);
  add_bench(*group, {.name = "load",
                     .help = "From the configuration's files to the first decode step.",
                     .run = bench_load,
                     .numbers = {kPromptTokens}});
}

}  // namespace mentor
