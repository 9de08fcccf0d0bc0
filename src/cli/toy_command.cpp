#include "mentor/app/toy_score.h"
#include "mentor/app/toy_tools.h"
#include "mentor/cli/commands.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "options.h"

#include <iostream>
#include <memory>

namespace mentor {
namespace {

/// Options of the world that both commands have.
void add_world_keys(CLI::App& command, ConfigArguments& config) {
  config.add_to(command);
  config.add_key(command, "-s,--seed", "toy.seed");
  config.add_key(command, "--size", "toy.size");
  config.add_key(command, "--palette", "toy.palette");
}

void add_make(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    std::vector<std::string> tasks;
    bool held_out = false, dreambench = false;
    ToyMakeOptions make;
  };
  CLI::App* command = group.add_subcommand(
      "make",
      "Draws pairs of pictures of one subject and writes them with masks, backgrounds.jsonl and a "
      "file of official records for each task, which 'mentor data' and 'mentor train' take. What "
      "the records show is under their key 'toy'.");
  auto arguments = std::make_shared<Arguments>();
  add_world_keys(*command, arguments->config);
  arguments->config.add_key(*command, "-n,--count", "toy.records");
  CLI::Option* tasks =
      command
          ->add_option("-t,--task", arguments->tasks,
                       "only these: text_to_image, reconstruction, segmentation, recovery, subject")
          ->type_name("TASK")
          ->check(CLI::IsMember(
                      {"text_to_image", "reconstruction", "segmentation", "recovery", "subject"})
                      .description(""));
  command->add_flag("--held-out", arguments->held_out,
                    "subjects that are never shown in training, instead of the others");
  command
      ->add_flag("--dreambench", arguments->dreambench,
                 "no records, but a data set in the layout of DreamBench++, for 'mentor evaluate': "
                 "--count subjects with nine prompts each (the small palette has 72 held-out ones)")
      ->excludes(tasks);
  command->add_option("-o,--out", arguments->make.out, "folder to write")
      ->required()
      ->type_name("DIR");
  command->callback([arguments] {
    ToyMakeOptions& make = arguments->make;
    make.config = arguments->config.load().config;
    make.split = arguments->held_out ? Split::kHeldOut : Split::kTrain;
    for (const std::string& task : arguments->tasks) make.tasks.push_back(parse_task(task));
    (arguments->dreambench ? make_toy_dataset : make_toy)(make, std::cout);
  });
  command->footer(
      "Examples:\n  mentor toy make --count 1000 --seed 1 --out toy\n  mentor toy make "
      "--held-out --dreambench --count 30 --seed 1 --out toy/dreambench");
}

/// The lists of what captions can hold.
std::string list_words() {
  std::string colors, patterns, shapes, backgrounds;
  const auto add = [](std::string& list, std::string_view word) {
    list += format("{}{}", list.empty() ? "" : ", ", word);
  };
  for (const ToyColor& color : kToyColors) add(colors, color.name);
  for (const std::string_view pattern : kToyPatterns) add(patterns, pattern);
  for (const std::string_view shape : kToyShapes) add(shapes, shape);
  for (size_t i = 0; i < kToyBackgrounds.size(); ++i) {
    add(backgrounds, background_words(static_cast<int>(i)));
  }
  return format(
      "Words of a caption:\n  {}\n  {}\n  {}\n  {}\n  a large, a small, two; at the top left, on "
      "the left, in the middle, ...\n",
      colors, patterns, shapes, wrap_words(backgrounds, terminal_columns(), /*indent=*/2));
}

void add_show(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    bool held_out = false;
    ToyShowOptions show;
  };
  CLI::App* command = group.add_subcommand(
      "show", "Draws pairs of reference and target, or what captions say, on one sheet.");
  auto arguments = std::make_shared<Arguments>();
  add_world_keys(*command, arguments->config);
  ToyShowOptions* show = &arguments->show;
  CLI::Option* count = command->add_option("-n,--count", show->count, "pairs (default 12)")
                           ->check(CLI::Range(1, 1000).description(""))
                           ->type_name("NUMBER");
  command->add_flag("--held-out", arguments->held_out,
                    "subjects that are never shown in training, instead of the others");
  command
      ->add_option("-p,--prompt", show->captions,
                   "draw this instead, as in 'a small red and white striped star at night'; may be "
                   "repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->excludes(count);
  command->add_option("-o,--out", show->out, "picture to write (.png)")
      ->required()
      ->type_name("FILE");
  command->callback([arguments] {
    arguments->show.config = arguments->config.load().config;
    arguments->show.split = arguments->held_out ? Split::kHeldOut : Split::kTrain;
    show_toy(arguments->show);
  });
  command->footer(list_words() + "Example:\n  mentor toy show --seed 1 --size 64 --out toy.png");
}

void add_score(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    ToyScoreOptions score;
  };
  CLI::App* command = group.add_subcommand(
      "score",
      "Reads pictures back and says how far they show what their records ask for: CP, the subject "
      "of the reference, and PF, the rest of the prompt. Record 17 has the pictures 000017.png, "
      "000017_target.png, or of several 000017_000.png, ...");
  auto arguments = std::make_shared<Arguments>();
  ToyScoreOptions* score = &arguments->score;
  command->add_option("DIR", score->pictures, "folder of pictures")->required()->type_name("");
  command->add_option("--cases", score->cases, "records that 'mentor toy make' wrote")
      ->required()
      ->type_name("FILE");
  command->add_option("-n,--count", score->count, "only the first of them")
      ->check(CLI::Range(1, 1000000000).description(""))
      ->type_name("NUMBER");
  command->add_option("--json", score->json, "the figures, and those of every picture")
      ->type_name("FILE");
  command
      ->add_option(
          "-o,--out", score->sheet,
          "sheet (.png) of the first cases: reference, picture, what was seen, what was asked for")
      ->type_name("FILE");
  CLI::Option* report =
      command
          ->add_option("--report", score->report,
                       "page (.html): figures, the first pictures with their references and "
                       "sentences, curves")
          ->type_name("FILE");
  command
      ->add_option("--run", score->runs,
                   "folder of a training whose curves the page shows; may be repeated")
      ->allow_extra_args(false)
      ->needs(report)
      ->type_name("DIR");
  command->add_option("--floor", score->floor, "fail unless CP*PF is at least this")
      ->check(CLI::Range(0., 1.).description(""))
      ->type_name("VALUE");
  command
      ->add_option("--floor-untold", score->floor_untold,
                   "fail unless 'untold CP' is at least this: what only the reference tells")
      ->check(CLI::Range(0., 1.).description(""))
      ->type_name("VALUE");
  arguments->config.add_as_option_to(*command);
  command->callback([arguments] {
    arguments->score.config = arguments->config.load().config;
    score_toy(arguments->score, std::cout);
  });
  command->footer("Example:\n  mentor toy score --cases toy/subject.jsonl out --out out/seen.png");
}

void add_tokenizer(CLI::App& group) {
  CLI::App* command = group.add_subcommand(
      "tokenizer",
      "Trains a SentencePiece tokenizer that has one piece for each word of the world.");
  auto file = std::make_shared<std::filesystem::path>();
  command->add_option("-o,--out", *file, "file to write (spiece.model)")
      ->required()
      ->type_name("FILE");
  command->callback([file] { train_toy_tokenizer(*file); });
  command->footer("Example:\n  mentor toy tokenizer --out toy/spiece.model");
}

}  // namespace

void add_toy_command(CLI::App& mentor) {
  CLI::App* toy = mentor.add_subcommand(
      "toy", "A small world of drawn pictures: records to train on, pictures to look at.");
  toy->group("Data");
  toy->require_subcommand(0, 1);
  add_make(*toy);
  add_show(*toy);
  add_score(*toy);
  add_toy_ablate_command(*toy);
  add_tokenizer(*toy);
}

}  // namespace mentor
