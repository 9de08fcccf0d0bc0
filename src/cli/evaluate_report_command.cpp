#include "evaluate_report_command.h"

#include "mentor/app/evaluate_report.h"
#include "options.h"

#include <iostream>
#include <memory>

namespace mentor {
namespace {

void add_report(CLI::App& group) {
  CLI::App* command = group.add_subcommand(
      "report",
      "Writes what the ratings say into evaluate.out: report.html with intervals, published "
      "results, every picture and what the judge said of it; report.md, summary.json, table.csv "
      "and items.csv.");
  auto config = std::make_shared<ConfigArguments>();
  config->add_to(*command);
  command->callback([config] { report_evaluation(config->load(), std::cout); });
  command->footer("Example:\n  mentor evaluate report configs/evaluate.yaml");
}

void add_compare(CLI::App& group) {
  struct Arguments {
    ComparisonOptions compare;
    std::optional<std::filesystem::path> json;
  };
  CLI::App* command = group.add_subcommand(
      "compare",
      "Compares two methods by subjects, which both have and one judge rated or 'evaluate embed' "
      "measured: differences with intervals, much narrower than those of each method alone.");
  auto arguments = std::make_shared<Arguments>();
  ComparisonOptions* compare = &arguments->compare;
  command->add_option("FIRST", compare->first, "evaluate.out of one method")
      ->required()
      ->type_name("");
  command->add_option("SECOND", compare->second, "evaluate.out of the other")
      ->required()
      ->type_name("");
  command->add_flag("--allow-partial", compare->allow_partial,
                    "compare what both have a figure of, where some have none");
  command->add_option("--json", arguments->json, "the figures")->type_name("FILE");
  command->callback(
      [arguments] { compare_evaluations(arguments->compare, arguments->json, std::cout); });
  command->footer("Example:\n  mentor evaluate compare out/stage2/evaluation out/grpo/evaluation");
}

void add_import(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    ImportOptions import;
  };
  CLI::App* command = group.add_subcommand(
      "import",
      "Adds ratings of others: files that DreamBench++ publishes or its code writes, and what "
      "pages of 'mentor evaluate rate' saved. A folder stands for all its .json files.");
  auto arguments = std::make_shared<Arguments>();
  ImportOptions* import = &arguments->import;
  command->add_option("FILE", import->files, "files or folders of one method")
      ->required()
      ->type_name("");
  CLI::Option* judge =
      command->add_option("--judge", import->judge, "model that rated: its scores become ratings")
          ->type_name("NAME");
  command
      ->add_option("--people", import->people,
                   "who rated: the report shows how far the judge agrees with them")
      ->type_name("NAME")
      ->excludes(judge);
  command
      ->add_option("--task", import->task,
                   "cp or pf, where no folder says it (concept_preservation_full, ...)")
      ->type_name("TASK");
  command
      ->add_option("--run", import->run,
                   "run of the judge, from 0, where no folder says it (..._full, _full2, ...)")
      ->check(CLI::Range(0, 999).description(""))
      ->type_name("NUMBER");
  arguments->config.add_as_option_to(*command);
  command->callback([arguments] {
    arguments->import.config = arguments->config.load().config;
    import_ratings(arguments->import, std::cout);
  });
  command->footer(
      "Examples:\n  mentor evaluate import -c configs/evaluate.yaml --judge gpt-4o "
      "concept_preservation_full/mine.json\n  mentor evaluate import -c configs/evaluate.yaml "
      "'ratings of Ada.json'");
}

void add_export(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    std::filesystem::path out;
  };
  CLI::App* command = group.add_subcommand(
      "export", "Writes the ratings as files that the code of DreamBench++ reads.");
  auto arguments = std::make_shared<Arguments>();
  arguments->config.add_to(*command);
  command->add_option("-o,--out", arguments->out, "folder to write, new or empty")
      ->required()
      ->type_name("DIR");
  command->callback([arguments] {
    export_evaluation(arguments->config.load().config, arguments->out, std::cout);
  });
  command->footer("Example:\n  mentor evaluate export configs/evaluate.yaml --out data_gpt_rating");
}

void add_rate(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    RateOptions rate;
  };
  CLI::App* command = group.add_subcommand(
      "rate",
      "Writes a page on which people rate pictures of one method, or of two side by side without "
      "their names. It needs no network, and what it saves is read by 'mentor evaluate import'.");
  auto arguments = std::make_shared<Arguments>();
  RateOptions* rate = &arguments->rate;
  arguments->config.add_to(*command);
  command->add_option("--against", rate->against, "samples of another method")->type_name("DIR");
  command->add_option("-n,--count", rate->count, "prompts to rate (default 50)")
      ->check(CLI::Range(1, 1350).description(""))
      ->type_name("NUMBER");
  command->add_option("-s,--seed", rate->seed, "which ones, and what is on which side (default 0)")
      ->check(CLI::Range(0, 1000000000).description(""))
      ->type_name("NUMBER");
  command->add_option("-o,--out", rate->page, "page to write (.html)")
      ->required()
      ->type_name("FILE");
  command->callback([arguments] {
    arguments->rate.config = arguments->config.load().config;
    write_rating_page(arguments->rate, std::cout);
  });
  command->footer(
      "Example:\n  mentor evaluate rate configs/evaluate.yaml --against out/other/samples "
      "--out rate.html");
}

}  // namespace

void add_evaluate_report_verbs(CLI::App& group) {
  add_report(group);
  add_compare(group);
  add_import(group);
  add_export(group);
  add_rate(group);
}

}  // namespace mentor
