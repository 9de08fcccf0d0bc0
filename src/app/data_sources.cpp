#include "mentor/app/data_sources.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/toy/records.h"

#include <utility>

namespace mentor {

Stage stage_of(const DataConfig& data) {
  return data.stage == "alignment" ? Stage::kAlignment : Stage::kInstruction;
}

SampleOptions sample_options(const RunConfig& config, const MixtureEntry* entry) {
  const DataConfig& data = config.data;
  const auto rate = [&](double general, double special) { return special < 0 ? general : special; };
  return {
      .stage = stage_of(data),
      .on_bad_record = data.on_bad_record == "skip" ? OnBadRecord::kSkip : OnBadRecord::kReference,
      .condition_squash = data.condition_squash,
      .image_only_rate = rate(data.image_only_rate, entry ? entry->image_only_rate : -1),
      .replace_subject_rate =
          rate(data.replace_subject_rate, entry ? entry->replace_subject_rate : -1),
      .recovery_min_scale = data.recovery_min_scale,
      .squash_image_list = data.squash_image_list,
      .image_size = config.model.image_size,
      .max_image_pixels = config.runtime.max_image_pixels};
}

Tokenizer open_tokenizer(const RunConfig& config) {
  if (config.weights.tokenizer.empty()) {
    throw ConfigError(
        "weights.tokenizer: is not set: name the folder that holds spiece.model (for FlanT5 and "
        "MENTOR: that of blip2-flan-t5-xl or flan-t5-xl), or start from the config.yaml that "
        "'mentor weights init --out DIR' writes");
  }
  const int64_t wanted = config.model.prompt.image_token_id;
  Tokenizer tokenizer = Tokenizer::load(config.weights.tokenizer, {.image_token_id = wanted});
  if (tokenizer.image_token_id() != wanted) {
    throw ConfigError(
        format("model.prompt.image_token_id: is {}, but the tokenizer gives <image> the id {}",
               wanted, tokenizer.image_token_id()));
  }
  return tokenizer;
}

std::optional<Backgrounds> open_backgrounds(const RunConfig& config) {
  if (!config.data.backgrounds.empty()) return Backgrounds(config.data.backgrounds);
  if (draws_toy_records(config.data)) return Backgrounds(toy_backgrounds(config.toy.size));
  return std::nullopt;
}

ExampleMaker make_examples(const RunConfig& config, std::vector<ExampleSource> sources,
                           const ExampleOptions& options) {
  const ModelConfig& model = config.model;
  return ExampleMaker({.clip_size = model.clip.image_size,
                       .placeholders_per_image = model.prompt.placeholders_per_image,
                       .max_prompt_tokens = model.decoder.cond_len,
                       .condition_dropout = options.condition_dropout,
                       .seed = options.seed},
                      std::move(sources), open_tokenizer(config), open_backgrounds(config),
                      options.code_cache);
}

}  // namespace mentor
