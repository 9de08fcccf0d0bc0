#include "mentor/app/inference_tools.h"
#include "mentor/cli/commands.h"
#include "options.h"

#include <iostream>
#include <memory>

namespace mentor {
namespace {

void add_encode_command(CLI::App& group) {
  CLI::App* command = group.add_subcommand("encode", "Writes the codes of pictures.");
  struct Arguments {
    ConfigArguments config;
    CodecEncodeOptions encode;
  };
  auto arguments = std::make_shared<Arguments>();
  CodecEncodeOptions* options = &arguments->encode;
  command->add_option("IMAGES", options->images, "pictures")->required()->type_name("");
  arguments->config.add_as_option_to(*command);
  command->add_option("-o,--out", options->codes, "JSON file of codes")
      ->required()
      ->type_name("FILE");
  command->add_flag("--full", options->full,
                    "the whole picture, cut to whole cells, not its central square");
  command->callback([arguments] {
    arguments->encode.config = arguments->config.load().config;
    encode_pictures(arguments->encode);
  });
  command->footer(
      "Example:\n  mentor codec encode cat.jpg dog.jpg --config weights/tiny/config.yaml "
      "--out codes.json");
}

void add_decode_command(CLI::App& group) {
  CLI::App* command = group.add_subcommand("decode", "Draws the pictures of codes.");
  struct Arguments {
    ConfigArguments config;
    CodecDecodeOptions decode;
  };
  auto arguments = std::make_shared<Arguments>();
  CodecDecodeOptions* options = &arguments->decode;
  command->add_option("CODES", options->codes, "JSON file of codes")->required()->type_name("");
  arguments->config.add_as_option_to(*command);
  command->add_option("-o,--out", options->folder, "folder for the pictures")
      ->type_name("FOLDER")
      ->capture_default_str();
  command->callback([arguments] {
    arguments->decode.config = arguments->config.load().config;
    decode_code_file(arguments->decode, std::cout);
  });
  command->footer(
      "Example:\n  mentor codec decode codes.json --config weights/tiny/config.yaml --out out");
}

}  // namespace

void add_codec_command(CLI::App& mentor) {
  CLI::App* group = mentor.add_subcommand("codec", "Pictures to codes and back (VQGAN).");
  group->group("Pictures");
  add_encode_command(*group);
  add_decode_command(*group);
}

}  // namespace mentor
