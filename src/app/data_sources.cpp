#include "mentor/app/data_sources.h"

namespace mentor {

SampleOptions sample_options(const RunConfig& config) {
  return {.stage = config.data.stage == "alignment" ? Stage::kAlignment : Stage::kInstruction,
          .image_only_rate = config.data.image_only_rate,
          .replace_subject_rate = config.data.replace_subject_rate,
          .squash_image_list = config.data.squash_image_list,
          .image_size = config.model.image_size,
          .max_image_pixels = config.runtime.max_image_pixels};
}

std::optional<Backgrounds> open_backgrounds(const DataConfig& data) {
  if (data.backgrounds.empty()) return std::nullopt;
  return std::optional<Backgrounds>(std::in_place, data.backgrounds);
}

}  // namespace mentor
