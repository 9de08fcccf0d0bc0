#include "mentor/app/weights_tools.h"
#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "options.h"

#include <iostream>
#include <memory>

namespace mentor {
namespace {

/// Without the list that CLI11 would add to the help: the descriptions have it already.
CLI::Validator one_of(const std::vector<std::string>& words) {
  return CLI::IsMember(words).description("");
}

void add_init(CLI::App& weights) {
  struct Options {
    std::string preset = "tiny";
    std::optional<std::string> config;
    WeightsInitOptions init;
  };
  CLI::App* command = weights.add_subcommand(
      "init",
      "Writes initialised weights of all models, a small tokenizer and a config.yaml, so that "
      "every "
      "command runs without a download. Before training every image token is equally likely: the "
      "pictures are noise.");
  auto options = std::make_shared<Options>();
  CLI::Option* preset = command
                            ->add_option("--preset", options->preset,
                                         "tiny (default), mentor-xl, llamagen-b, llamagen-l, "
                                         "llamagen-xl, llamagen-xxl or llamagen-3b")
                            ->type_name("NAME");
  command->add_option("--config", options->config, "take the dimensions of a configuration file")
      ->type_name("FILE")
      ->excludes(preset);
  command->add_option("-s,--seed", options->init.seed, "seed of the random numbers (default 0)")
      ->type_name("NUMBER");
  command->add_option("--dtype", options->init.dtype, "bf16 (default) or fp32")
      ->check(one_of({"bf16", "fp32"}))
      ->type_name("DTYPE");
  command->add_flag("--fan-in", options->init.fan_in,
                    "draw weights by the number of inputs instead of as published: small models "
                    "learn faster from nothing");
  command->add_flag("--toy-words", options->init.toy_words,
                    "a tokenizer with one piece for each word of the toy world");
  command->add_option("-o,--out", options->init.folder, "folder to write")
      ->required()
      ->type_name("DIR");
  command->callback([options] {
    std::vector<Override> overrides;
    if (!options->config) {
      overrides.push_back({.path = "model.preset", .value = options->preset, .origin = "--preset"});
    }
    options->init.run = load_run_config(options->config, overrides);
    init_weights(options->init);
  });
  command->footer("Example:\n  mentor weights init --preset tiny --out weights/tiny");
}

void add_inspect(CLI::App& weights) {
  struct Options {
    WeightsInspectOptions inspect;
    std::optional<std::string> config;
  };
  CLI::App* command = weights.add_subcommand(
      "inspect",
      "Shows what is in a file of weights: container, keys, shapes, dtypes, sums, and which model "
      "it fits. Reads safetensors, files of torch.save and Hugging Face folders; executes "
      "nothing.");
  auto options = std::make_shared<Options>();
  command->add_option("FILE", options->inspect.path, "file or folder")->required()->type_name("");
  command->add_flag("--json", options->inspect.json, "as JSON, every key");
  command->add_flag("--all", options->inspect.all, "a line for every key");
  command->add_flag("--checksums", options->inspect.checksums, "verify those of a .pt file");
  command
      ->add_option("--model", options->config,
                   "list what is missing, unexpected or of another shape for this configuration")
      ->type_name("CONFIG");
  command->callback([options] {
    if (options->config) options->inspect.model = load_run_config(options->config).config.model;
    inspect_weights(options->inspect, std::cout);
  });
  command->footer("Example:\n  mentor weights inspect weights/tiny/model.safetensors");
}

void add_convert(CLI::App& weights) {
  CLI::App* command = weights.add_subcommand(
      "convert",
      "Rewrites weights: official .pt files, Hugging Face folders and .safetensors into one "
      "another. A .pt that it writes is read by torch.load(weights_only=True).");
  auto options = std::make_shared<WeightsConvertOptions>();
  command->add_option("IN", options->in, "file or folder")->required()->type_name("");
  command
      ->add_option("OUT", options->out,
                   "file.safetensors, file.pt, or a name without extension: a Hugging Face folder")
      ->required()
      ->type_name("");
  command->add_option("--to", options->container, "safetensors or pt (default: by OUT's name)")
      ->check(one_of({"safetensors", "pt"}))
      ->type_name("CONTAINER");
  command->add_option("--dtype", options->dtype, "fp32, bf16 or fp16 (default: as it is)")
      ->check(one_of({"fp32", "bf16", "fp16"}))
      ->type_name("DTYPE");
  command
      ->add_option("--part", options->part,
                   "all (default), encoder, decoder, t5, clip, projector or codec")
      ->check(one_of({"all", "encoder", "decoder", "t5", "clip", "projector", "codec"}))
      ->type_name("PART");
  command
      ->add_option("--layout", options->layout,
                   "names of the keys: mentor (default), hf (t5, clip, projector) or llamagen "
                   "(decoder, codec)")
      ->check(one_of({"mentor", "hf", "llamagen"}))
      ->type_name("LAYOUT");
  command->callback([options] { convert_weights(*options); });
  command->add_flag("--averaged", options->averaged,
                    "the averaged weights of a checkpoint (train.ema_decay)");
  command->footer(
      "Examples:\n"
      "  mentor weights convert stage2.pt stage2.safetensors --dtype bf16\n"
      "  mentor weights convert runs/stage2 mentor.pt      the newest checkpoint, as the official "
      "files are");
}

void add_diff(CLI::App& weights) {
  CLI::App* command = weights.add_subcommand(
      "diff",
      "Compares two files of weights key by key. Exit code: 0 when they are equal, 1 when they "
      "differ, 2 when one cannot be read.");
  auto options = std::make_shared<WeightsDiffOptions>();
  command->add_option("A", options->a, "file or folder")->required()->type_name("");
  command->add_option("B", options->b, "file or folder")->required()->type_name("");
  command
      ->add_option(
          "--tolerance", options->tolerance,
          "largest absolute difference that counts as equal; dtypes may differ then (without it: "
          "bytes and dtypes must be equal)")
      ->check(CLI::NonNegativeNumber.description(""))
      ->type_name("NUMBER");
  command->add_flag("--all", options->all, "list every difference");
  command->callback([options] {
    if (!diff_weights(*options, std::cout)) throw ExitWith{kExitDifferent};
  });
  command->footer("Example:\n  mentor weights diff a.safetensors b.pt --tolerance 1e-6");
}

}  // namespace

void add_weights_command(CLI::App& mentor) {
  CLI::App* weights =
      mentor.add_subcommand("weights", "Make, inspect, convert and compare files of weights.");
  weights->group("Weights");
  weights->require_subcommand(0, 1);
  add_init(*weights);
  add_inspect(*weights);
  add_convert(*weights);
  add_diff(*weights);
}

}  // namespace mentor
