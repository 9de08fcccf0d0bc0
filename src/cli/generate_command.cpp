#include "mentor/app/inference_tools.h"
#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/generate/request.h"
#include "options.h"

#include <iostream>
#include <memory>

namespace mentor {
namespace {

void check_options(const GenerateOptions& options, bool has_prompt) {
  if (has_prompt && is_blank(options.prompt)) {
    throw ConfigError("mentor generate: --prompt has no words: say what to draw");
  }
  // A template such as that of segmentation needs pictures, but no text.
  const bool from_arguments =
      !options.prompt.empty() || !options.images.empty() || !options.objects.empty();
  const int sources = from_arguments + !options.requests.empty() + options.serve_input;
  if (sources == 1) return;
  throw ConfigError(format(
      "mentor generate: {}: give exactly one of --prompt (with --image, --object), --requests and "
      "--stdin-jsonl",
      sources == 0 ? "nothing to draw" : "too many things to draw"));
}

void add_sampling_options(CLI::App& command, ConfigArguments& config) {
  config.add_key(command, "-s,--seed", "generate.seed");
  config.add_key(command, "-n,--count", "generate.count");
  config.add_key(command, "--task", "generate.task");
  config.add_key(command, "--guidance-scale", "generate.guidance_scale");
  config.add_key(command, "--guidance-interval", "generate.guidance_interval");
  config.add_key(command, "--temperature", "generate.temperature");
  config.add_key(command, "--top-k", "generate.top_k");
  config.add_key(command, "--top-p", "generate.top_p");
  config.add_key(command, "--greedy", "generate.greedy");
  config.add_key(command, "--device", "runtime.device");
  config.add_key(command, "--dtype", "runtime.dtype");
  config.add_key(command, "--threads", "runtime.threads");
}

}  // namespace

void add_generate_command(CLI::App& mentor) {
  CLI::App* command =
      mentor.add_subcommand("generate", "Draws pictures from a sentence and reference pictures.");
  command->group("Pictures");
  struct Arguments {
    ConfigArguments config;
    GenerateOptions generate;
  };
  auto arguments = std::make_shared<Arguments>();
  GenerateOptions* options = &arguments->generate;
  arguments->config.add_to(*command);
  CLI::Option* prompt =
      command
          ->add_option(
              "-p,--prompt", options->prompt,
              "what to draw; <image> stands for a reference picture, \\n for a line break; "
              "without <image> pictures come before it")
          ->type_name("TEXT");
  command->add_option("-i,--image", options->images, "reference picture; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--object", options->objects,
                   "what a reference picture shows, for prompts without <image>; may be repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command->add_option("-o,--out", options->out, "folder, or a .png or .jpg file")
      ->type_name("PATH")
      ->capture_default_str();
  command
      ->add_option("--requests", options->requests,
                   "JSON lines {\"prompt\": ..., \"image\": ..., \"id\", \"seed\", \"count\"}, "
                   "drawn as batches")
      ->type_name("FILE");
  command->add_flag("--stdin-jsonl", options->serve_input,
                    "keep the models loaded and answer such lines from standard input");
  command->add_option("--save-tokens", options->save_tokens, "also write the image tokens as JSON")
      ->type_name("FILE");
  add_sampling_options(*command, arguments->config);
  command->callback([arguments, prompt] {
    GenerateOptions& chosen = arguments->generate;
    chosen.prompt = unescape_newlines(chosen.prompt);
    check_options(chosen, prompt->count() > 0);
    chosen.run = arguments->config.load();
    generate_pictures(chosen, std::cin, std::cout);
  });
  command->footer(
      "Example:\n  mentor generate weights/tiny/config.yaml --task subject --object cat "
      "--image cat.jpg\n      --prompt \"a cat on the beach\" --out beach.png");
}

}  // namespace mentor
