#include "mentor/app/bench.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <iostream>

namespace mentor {
namespace {

struct BenchArguments {
  ConfigArguments config;
  BenchOptions bench;
  bool json = false;
};

using Bench = BenchResult (*)(const RunConfig&, const BenchOptions&);

void add_bench(CLI::App& group, const std::string& name, const std::string& help, Bench bench) {
  CLI::App* command = group.add_subcommand(name, help);
  auto options = std::make_shared<BenchArguments>();
  options->config.add_to(*command);
  options->config.add_key(*command, "--preset", "model.preset");
  options->config.add_key(*command, "--dtype", "runtime.dtype");
  options->config.add_key(*command, "--threads", "runtime.threads");
  options->config.add_key(*command, "--guidance-scale", "generate.guidance_scale");
  const auto add_number = [command](const char* flag, int64_t& value, const char* what) {
    command->add_option(flag, value, what)
        ->check(CLI::Range(1, 10000).description(""))
        ->type_name("NUMBER");
  };
  add_number("--prompt-tokens", options->bench.prompt_tokens,
             "length of the prompt (default 320: a picture and a sentence)");
  add_number("--steps", options->bench.steps, "decode steps to time (default 40)");
  add_number("--runs", options->bench.runs, "repetitions of everything else (default 5)");
  command->add_flag("--json", options->json, "one line of JSON instead of a table");
  command->callback([options, bench] {
    const BenchResult result = bench(options->config.load().config, options->bench);
    std::cout << (options->json ? result.json() + "\n" : result.text());
  });
  command->footer("Example:\n  mentor bench " + name + " --preset tiny --json");
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

}  // namespace

void add_bench_command(CLI::App& mentor) {
  CLI::App* group = mentor.add_subcommand(
      "bench", "Times one part of the work with random weights of the real dimensions.");
  group->group("Performance");
  add_bench(*group, "decode", "Prefill and decode steps.", bench_decode);
  add_bench(*group, "encode", "Text encoder and vision tower.", bench_encode);
  add_bench(*group, "codec", "Image codec, both ways.", bench_codec);
  add_loader(*group);
  add_bench(*group, "load", "From the configuration's files to the first decode step.", bench_load);
}

}  // namespace mentor
