#include "evaluate_report_command.h"
#include "mentor/app/evaluate.h"
#include "mentor/app/evaluate_embed.h"
#include "mentor/app/evaluate_generate.h"
#include "mentor/app/evaluate_reconstruct.h"
#include "mentor/app/evaluate_run.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <functional>
#include <iostream>
#include <memory>
#include <vector>

namespace mentor {
namespace {

using Verb = void (*)(const LoadedRunConfig&, std::ostream&);

/// An option that is short for a key: "--max-cost", "evaluate.judge.max_cost".
struct ShortForm {
  const char* name;
  const char* key;
};
constexpr ShortForm kMaxCost = {"--max-cost", "evaluate.judge.max_cost"};
constexpr ShortForm kAllowPartial = {"--allow-partial", "evaluate.allow_partial"};

/// A verb that a configuration tells everything.
CLI::App* add_verb(CLI::App& group, const char* name, const char* help, Verb verb,
                   const std::vector<ShortForm>& short_forms = {}) {
  CLI::App* command = group.add_subcommand(name, help);
  auto config = std::make_shared<ConfigArguments>();
  config->add_to(*command);
  for (const auto& [option, key] : short_forms) config->add_key(*command, option, key);
  command->callback([config, verb] { verb(config->load(), std::cout); });
  command->footer(std::string("Example:\n  mentor evaluate ") + name + " configs/evaluate.yaml");
  return command;
}

void add_reconstruct(CLI::App& group) {
  struct Arguments {
    ConfigArguments config;
    ReconstructOptions reconstruct;
  };
  CLI::App* command = group.add_subcommand(
      "reconstruct",
      "Has the model draw given pictures again, and measures how close it comes: RMSE and MSE of "
      "RGB in [0, 1], beside those of the codec alone. Pictures may lie in folders of the folder; "
      "a file NAME.txt beside NAME.jpg may say what it shows. Stopped or killed, the same command "
      "goes on.");
  auto arguments = std::make_shared<Arguments>();
  arguments->config.add_to(*command);
  command->add_option("-p,--pictures", arguments->reconstruct.pictures, "folder of pictures")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("-o,--out", arguments->reconstruct.out,
                   "folder for what is drawn and for reconstruction.json")
      ->required()
      ->type_name("DIR");
  command->callback([arguments] {
    arguments->reconstruct.run = arguments->config.load();
    reconstruct_pictures(arguments->reconstruct, std::cout);
  });
  command->footer(
      "Example:\n  mentor evaluate reconstruct configs/generate.yaml --pictures coco/val2017 --out "
      "out/reconstruction");
}

/// The one verb that wants files of its own, which the help names.
void add_embed(CLI::App& group) {
  CLI::App* command = add_verb(
      group, "embed",
      "Measures how alike pictures are, without a judge: the cosine of what a network makes of two "
      "pictures (CLIP-I, DINO, DINOv2: the generated one and its reference) or of a picture and "
      "its prompt (CLIP-T), times 100. Writes similarity.jsonl into evaluate.out, which 'mentor "
      "evaluate report' shows, and the files of DreamBench++'s own code. Pictures that were "
      "measured before are not measured again.",
      embed_evaluation);
  command->footer(
      "Networks, each of which may be left out (it computes in fp32 unless runtime.dtype says "
      "bf16):\n"
      "  evaluate.embed.clip    CLIP-I, CLIP-T   folder of huggingface.co/openai/"
      "clip-vit-base-patch32\n"
      "                                          (config.json, model.safetensors, vocab.json, "
      "merges.txt)\n"
      "  evaluate.embed.dino    DINO             file dino_deitsmall8_pretrain.pth of\n"
      "                                          github.com/facebookresearch/dino\n"
      "  evaluate.embed.dinov2  DINOv2           folder of huggingface.co/facebook/dinov2-small\n"
      "                                          (config.json, model.safetensors)\n\n"
      "FID is not measured.\n\n"
      "Example:\n  mentor evaluate embed configs/evaluate.yaml --set "
      "evaluate.embed.clip=clip-vit-base-patch32");
}

}  // namespace

void add_evaluate_command(CLI::App& mentor) {
  CLI::App* group = mentor.add_subcommand(
      "evaluate",
      "Rates pictures by the protocol of DreamBench++: a judge says how far each shows the subject "
      "of its reference (CP) and what its prompt asks for (PF), 0 to 4.");
  group->group("Pictures");
  group->require_subcommand(0, 1);
  add_verb(
      *group, "run",
      "Does all of it, in order: generate, validate, embed (where evaluate.embed names "
      "networks), estimate, judge, report. What an earlier call has done is not done again, so "
      "the same command goes on after a stop.",
      run_evaluation, {kMaxCost, kAllowPartial});
  add_verb(*group, "generate",
           "Draws the pictures: all subjects x nine prompts x evaluate.samples_per_prompt, in the "
           "layout of the published samples. What is there is not drawn again; 'mentor launch "
           "--nproc N --' before it shares the work among N processes.",
           generate_samples);
  add_verb(*group, "validate",
           "Checks that data set and samples are complete and every picture can be read; names all "
           "that is missing or damaged.",
           validate_evaluation, {kAllowPartial});
  add_verb(*group, "estimate",
           "Says how many questions are open and what they would cost, without asking any.",
           estimate_evaluation);
  add_verb(*group, "judge",
           "Asks the judge for every rating that is open and keeps its answers. Stopped or killed, "
           "the same command goes on where it was: nothing that was answered is asked again.",
           judge_evaluation, {kMaxCost, kAllowPartial});
  add_verb(*group, "reparse",
           "Reads the scores out of all stored answers again, by evaluate.judge.parser; asks "
           "nothing.",
           reparse_evaluation);
  add_reconstruct(*group);
  add_embed(*group);
  add_evaluate_report_verbs(*group);
}

}  // namespace mentor
