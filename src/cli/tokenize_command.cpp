#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/text/tokenizer.h"
#include "options.h"

#include <iostream>

namespace mentor {
namespace {

struct TokenizeOptions {
  ConfigArguments config;
  std::vector<std::string> prompts;
};

void print_tokens(const Tokenizer& tokenizer, const std::string& text) {
  const std::vector<int64_t> ids = tokenizer.encode(text);
  const std::vector<std::string> pieces = tokenizer.pieces(ids);
  for (size_t i = 0; i < ids.size(); ++i) std::cout << format("{:>6}  {}\n", ids[i], pieces[i]);
}

void tokenize(const TokenizeOptions& options) {
  const LoadedRunConfig loaded = options.config.load();
  if (loaded.config.weights.tokenizer.empty()) {
    throw ConfigError(
        "weights.tokenizer: is not set: give a configuration that sets it, or "
        "--tokenizer PATH (spiece.model, tokenizer.json or their folder)");
  }
  const Tokenizer tokenizer =
      Tokenizer::load(loaded.config.weights.tokenizer,
                      {.image_token_id = loaded.config.model.prompt.image_token_id});
  log::debug("tokenizer: {}", tokenizer.layout());
  for (const std::string& prompt : options.prompts)
    print_tokens(tokenizer, unescape_newlines(prompt));
}

}  // namespace

void add_tokenize_command(CLI::App& mentor) {
  CLI::App* command =
      mentor.add_subcommand("tokenize", "Shows the token ids and pieces of a text.");
  command->group("Text");
  auto options = std::make_shared<TokenizeOptions>();
  options->config.add_to(*command);
  options->config.add_key(*command, "--tokenizer", "weights.tokenizer");
  command
      ->add_option("-p,--prompt", options->prompts,
                   "the text; \\n in it is a line break; may be repeated")
      ->required()
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command->callback([options] { tokenize(*options); });
  command->footer(
      "Example:\n  mentor tokenize --tokenizer weights/tiny --prompt \"A cat in <image>.\"");
}

}  // namespace mentor
