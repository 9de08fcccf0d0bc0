#include "mentor/app/data_tools.h"
#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/dist/process_environment.h"
#include "options.h"

#include <cinttypes>
#include <cstdio>
#include <iostream>
#include <memory>

namespace mentor {
namespace {

void add_data_keys(CLI::App& command, ConfigArguments& config) {
  config.add_key(command, "--stage", "data.stage");
  config.add_key(command, "--backgrounds", "data.backgrounds");
}

void add_check(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    DataCheckOptions check;
  };
  CLI::App* command = group.add_subcommand(
      "check",
      "Makes every sample as training would and lists each bad record as file:line, with a summary "
      "by task and defect. Exit code 2 when the share of bad records is above the limit.");
  auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("FILES", arguments->check.files,
                   "JSONL files of records; without any: those of data.mixture and data.validation")
      ->type_name("");
  arguments->config.add_as_option_to(*command);
  add_data_keys(*command, arguments->config);
  arguments->config.add_key(*command, "--limit", "data.bad_record_limit");
  command->callback([arguments] {
    arguments->check.run = arguments->config.load();
    check_data(arguments->check, std::cout);
  });
  command->footer("Example:\n  mentor data check train.jsonl --backgrounds backgrounds.jsonl");
}

void add_inspect(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    DataInspectOptions inspect;
  };
  CLI::App* command = group.add_subcommand(
      "inspect",
      "Writes what the model sees of one record: the condition pictures after CLIP's crop, the "
      "target, and the prompt with its ids.");
  auto arguments = std::make_shared<Arguments>();
  DataInspectOptions* options = &arguments->inspect;
  arguments->config.add_to(*command);
  const auto add_number = [command](const char* flag, int64_t& value, const char* what) {
    command->add_option(flag, value, what)
        ->check(CLI::NonNegativeNumber.description(""))
        ->type_name("NUMBER");
  };
  CLI::Option* file =
      command
          ->add_option("--data", options->file,
                       "JSONL file of records; of one that is in data.mixture, its entry's samples")
          ->type_name("FILE");
  command->add_option("--entry", options->entry, "entry of data.mixture, instead of --data")
      ->type_name("NAME")
      ->excludes(file);
  add_number("--index", options->index, "which record, from 0 (default 0)");
  add_number("--seed", options->seed, "seed of the run, for the random choices (default 0)");
  add_number("--epoch", options->epoch, "epoch, for the random choices (default 0)");
  command->add_option("-o,--out", options->out, "folder to write")->required()->type_name("DIR");
  add_data_keys(*command, arguments->config);
  command->callback([arguments] {
    if (arguments->inspect.file.empty() && arguments->inspect.entry.empty()) {
      throw UserError("which record? Name its file with --data, or its entry with --entry");
    }
    arguments->inspect.config = arguments->config.load().config;
    inspect_data(arguments->inspect, std::cout);
  });
  command->footer(
      "Example:\n  mentor data inspect weights/tiny/config.yaml --data train.jsonl --index 3 "
      "--out seen");
}

/// "2/8", the third of eight.
void read_shard(const std::string& text, DataEncodeOptions& options) {
  int end = 0;
  const int read = std::sscanf(text.c_str(), "%" SCNd64 "/%" SCNd64 "%n", &options.shard,
                               &options.num_shards, &end);
  const bool whole = read == 2 && text.c_str()[end] == '\0';
  if (!whole || options.shard < 0 || options.shard >= options.num_shards) {
    throw UserError(format("--shard: '{}' is not I/N with 0 <= I < N, as in 0/8", text));
  }
}

void add_encode(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    DataEncodeOptions encode;
    std::string shard;
  };
  CLI::App* command = group.add_subcommand(
      "encode",
      "Encodes every target of data.mixture and data.validation once, into data.code_cache, so "
      "that "
      "training need not. Goes on where it was stopped; several processes may share the work.");
  auto arguments = std::make_shared<Arguments>();
  DataEncodeOptions* options = &arguments->encode;
  arguments->config.add_to(*command);
  arguments->config.add_key(*command, "--code-cache", "data.code_cache");
  command
      ->add_option(
          "--shard", arguments->shard,
          "this process takes part I, from 0, of N (default: its rank under mentor launch, "
          "torchrun or Slurm, else everything)")
      ->type_name("I/N");
  command
      ->add_option("--batch", options->batch, "pictures that the codec takes at once (default 8)")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("NUMBER");
  command->callback([arguments] {
    if (arguments->shard.empty()) {
      const ProcessEnvironment environment = read_process_environment();
      arguments->encode.shard = environment.rank;
      arguments->encode.num_shards = environment.world_size;
    } else {
      read_shard(arguments->shard, arguments->encode);
    }
    arguments->encode.run = arguments->config.load();
    encode_data(arguments->encode, std::cout);
  });
  command->footer(
      "Example:\n  mentor data encode configs/stage2.yaml --code-cache codes --shard 0/8");
}

}  // namespace

void add_data_command(CLI::App& mentor) {
  CLI::App* data = mentor.add_subcommand(
      "data", "Check records, see what training makes of them, encode their targets.");
  data->group("Data");
  data->require_subcommand(0, 1);
  add_check(*data);
  add_inspect(*data);
  add_encode(*data);
}

}  // namespace mentor
