#include "mentor/toy/records.h"

#include "draws.h"
#include "mentor/core/format.h"
#include "mentor/image/resample.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"

#include <algorithm>

namespace mentor {
namespace {

fs::path picture_path(const char* folder, const ToyPair& pair, const char* role) {
  return format("{}/{:06d}_{}.png", folder, pair.number, role);
}

/// White where the subject covers at least half of a pixel. Training takes every pixel that is not
/// black: the faintest rim would bring the background with it.
Image clear_mask(const Image& shares) {
  Image mask(shares.width, shares.height);
  for (size_t i = 0; i < mask.pixels.size(); ++i) {
    mask.pixels[i] = shares.pixels[i / 3] >= 128 ? 255 : 0;
  }
  return mask;
}

/// The subject of a pair: of those that are shown in training when there are fewer than there might
/// be, chosen from all over the list, which goes by shape, then by colour.
const Identity& draw_subject(const ToyConfig& config, Split split, const Draws& draws) {
  constexpr size_t kStride = 131;  // shares no divisor with the 528 and 2453 there are
  const std::vector<Identity>& all = identities(config.palette, split);
  if (split == Split::kHeldOut || config.identities == 0) {
    return all[draws.pick("subject", static_cast<int>(all.size()))];
  }
  return all.at(kStride * draws.pick("subject", static_cast<int>(config.identities)) % all.size());
}

/// Everything about the record that depends on its task.
Record describe_task(const ToyConfig& config, const ToyPair& pair, Task task) {
  const Draws draws(stream_seed(static_cast<uint64_t>(config.seed), "toy words",
                                {static_cast<uint64_t>(pair.split),
                                 static_cast<uint64_t>(pair.number), static_cast<uint64_t>(task)}));
  const auto say = [&](const Scene& scene, bool identity) {
    CaptionOptions options = draw_caption_options(config, identity, draws.seed_of("caption"));
    // Nothing else would say which shape it is.
    if (task == Task::kTextToImage) options.object_noun = false;
    return caption(scene, options);
  };
  const bool object_noun = config.nouns == "object";
  const fs::path reference = picture_path("pictures", pair, "reference");
  const fs::path target = picture_path("pictures", pair, "target");
  switch (task) {
    case Task::kTextToImage:
      return {.images = {target},
              .sources = {target},
              .text = say(pair.target, /*identity=*/true),
              .generation_only = true};
    case Task::kReconstruction:
      return {.images = {reference},
              .sources = {reference},
              .text = say(pair.reference, draws.chance("identity", 0.5))};
    case Task::kSegmentation:
      return {.images = {picture_path("masks", pair, "reference")},
              .sources = {reference},
              .text = say(pair.reference, /*identity=*/false),
              .objects = {subject_word(pair.reference, object_noun)},
              .do_mask = true};
    case Task::kRecovery:
      return {.images = {picture_path("masks", pair, "target")},
              .sources = {target},
              .text = say(pair.target, /*identity=*/false),
              .objects = {subject_word(pair.target, object_noun)},
              .do_replace = true};
    default:
      return {.images = {reference},
              .sources = {target},
              .text = say(pair.target, /*identity=*/false),
              .objects = {subject_word(pair.reference, object_noun)}};
  }
}

}  // namespace

ToyPair draw_pair(const ToyConfig& config, Split split, int64_t number) {
  const Draws draws(stream_seed(static_cast<uint64_t>(config.seed), "toy pair",
                                {static_cast<uint64_t>(split), static_cast<uint64_t>(number)}));
  const Identity& subject = draw_subject(config, split, draws);
  ToyPair pair{.split = split, .number = number};
  pair.reference = draw_scene(config, subject, SceneRole::kReference, draws.seed_of("reference"));
  pair.target = draw_scene(config, subject, SceneRole::kTarget, draws.seed_of("target"));
  if (draws.chance("correlated", config.correlated_rate)) pair.reference = pair.target;
  return pair;
}

Record toy_record(const ToyConfig& config, const ToyPair& pair, Task task) {
  Record record = describe_task(config, pair, task);
  record.where = format("toy/{}/{}:{}", name_of(pair.split), task_name(task), pair.number);
  return record;
}

std::map<fs::path, Image> paint_record(const Record& record, const ToyPair& pair, int64_t size) {
  std::map<fs::path, Image> pictures;
  const auto is_named = [&](const fs::path& path) {
    return std::ranges::find(record.images, path) != record.images.end() ||
           std::ranges::find(record.sources, path) != record.sources.end();
  };
  const auto add = [&](const Scene& scene, const char* role) {
    const fs::path path = picture_path("pictures", pair, role);
    const fs::path mask_path = picture_path("masks", pair, role);
    if (!is_named(path)) return;
    ToyPicture picture = paint_scene(scene, size);
    if (is_named(mask_path)) pictures.emplace(mask_path, clear_mask(picture.mask));
    pictures.emplace(path, std::move(picture.image));
  };
  add(pair.reference, "reference");
  add(pair.target, "target");
  return pictures;
}

ToySource::ToySource(const ToyConfig& config, Split split, std::vector<Task> tasks)
    : config_(config), split_(split), tasks_(std::move(tasks)) {}

int64_t ToySource::size() const { return static_cast<int64_t>(tasks_.size()) * config_.records; }

std::string ToySource::where(int64_t index) const {
  return format("toy/{}/{}:{}", name_of(split_), task_name(tasks_.at(index / config_.records)),
                index % config_.records);
}

Record ToySource::record(int64_t index) const {
  const ToyPair pair = draw_pair(config_, split_, index % config_.records);
  Record record = toy_record(config_, pair, tasks_.at(index / config_.records));
  record.drawn =
      std::make_shared<const std::map<fs::path, Image>>(paint_record(record, pair, config_.size));
  return record;
}

std::vector<Image> toy_backgrounds(int64_t size) {
  std::vector<Image> pictures;
  for (int i = 0; i < static_cast<int>(kToyBackgrounds.size()); ++i) {
    pictures.push_back(toy_background(i, size));
  }
  return pictures;
}

}  // namespace mentor
