#include "build_info.h"
#include "mentor/app/train.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <memory>

namespace mentor {

namespace {

/// Adds what all kinds of training take, and runs what the command names.
void add_training(CLI::App& command, Trained what) {
  struct Arguments {
    ConfigArguments config;
    std::string resume = "auto";
  };
  auto arguments = std::make_shared<Arguments>();
  arguments->config.add_to(command);
  arguments->config.add_key(command, "-o,--out", "train.out");
  arguments->config.add_key(command, "--init-from", "train.init_from");
  arguments->config.add_key(command, "--steps", "train.steps");
  command
      .add_option("--resume", arguments->resume,
                  "auto: from the newest checkpoint of the run's folder, if there is one; none: "
                  "begin anew; or a checkpoint to go on from (default auto)")
      ->type_name("auto|none|DIR");
  command.callback([arguments, what, &command] {
    if (!command.get_subcommands().empty()) return;
    const int code = train_model({.what = what,
                                  .run = arguments->config.load(),
                                  .resume = arguments->resume,
                                  .version = kVersion,
                                  .revision = kGitRevision});
    if (code != 0) throw ExitWith{code};
  });
}

}  // namespace

void add_train_command(CLI::App& mentor) {
  CLI::App* command = mentor.add_subcommand(
      "train",
      "Trains projector, text encoder and decoder on the records of data.mixture; with 'codec' or "
      "'vision' in front of the configuration the image codec or the vision tower. May be "
      "interrupted or killed at any moment: "
      "the same command goes on from the newest checkpoint. The run's folder (train.out) holds "
      "checkpoints, metrics.jsonl, TensorBoard files and report.html.");
  command->group("Training");
  add_training(*command, Trained::kModel);
  command->footer(
      "Examples:\n"
      "  mentor train configs/stage1.yaml\n"
      "  mentor train configs/stage2.yaml --init-from runs/stage1\n"
      "  mentor launch --nproc 8 -- train configs/stage1.yaml      eight GPUs of one machine\n"
      "  mentor config help train                                  everything that can be set");
  CLI::App* codec = command->add_subcommand(
      "codec",
      "Trains an image codec (VQGAN): pictures become codes and are drawn from them again. The "
      "entries of data.mixture may be folders of pictures. With LPIPS and a discriminator as "
      "LlamaGen does (configs/codec.yaml), or without both; from weights.codec, another run "
      "(train.init_from), or from nothing. Of the figures on held-out pictures, psnr is that of "
      "their common mean squared error, not the mean of their own PSNRs, which is higher.");
  add_training(*codec, Trained::kCodec);
  codec->footer(
      "Examples:\n"
      "  mentor train codec configs/toy/codec.yaml                 four minutes, needs no data\n"
      "  mentor train codec configs/codec.yaml --set data.mixture.pictures.file=DIR\n"
      "  mentor codec encode cat.jpg --set weights.codec=runs/codec --config CONFIG --out "
      "cat.json\n"
      "  mentor config help codec_training                         what can be set for it");
  CLI::App* vision = command->add_subcommand(
      "vision",
      "Trains the vision tower alone, as a classifier of the words of captions (text-to-image "
      "records): for those who have no CLIP. The checkpoints hold the whole model.");
  add_training(*vision, Trained::kVision);
  vision->footer(
      "Examples:\n"
      "  mentor train vision configs/toy/vision.yaml --set weights.model=runs/toy/start\n"
      "  mentor train configs/toy/pretrain_t2i.yaml --init-from runs/toy/vision   what follows");
}

}  // namespace mentor
