#include "mentor/app/data_sources.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

namespace mentor {

SampleOptions sample_options(const RunConfig& config) {
  return {.stage = config.data.stage == "alignment" ? Stage::kAlignment : Stage::kInstruction,
          .on_bad_record =
              config.data.on_bad_record == "skip" ? OnBadRecord::kSkip : OnBadRecord::kReference,
          .condition_squash = config.data.condition_squash,
          .image_only_rate = config.data.image_only_rate,
          .replace_subject_rate = config.data.replace_subject_rate,
          .squash_image_list = config.data.squash_image_list,
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

std::optional<Backgrounds> open_backgrounds(const DataConfig& data) {
  if (data.backgrounds.empty()) return std::nullopt;
  return std::optional<Backgrounds>(std::in_place, data.backgrounds);
}

}  // namespace mentor
