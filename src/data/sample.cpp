#include "mentor/data/sample.h"

#include "mentor/core/format.h"
#include "mentor/core/random.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace mentor {
namespace {

/// A uniform number in [0, 1) of its own stream.
double uniform(uint64_t seed, std::string_view purpose) {
  return unit_interval(stream_seed(seed, purpose));
}

/// Any pixel the object touches counts, soft edges too.
Image threshold(const Image& grey) {
  Image mask = grey;
  for (uint8_t& value : mask.pixels) value = value > 0 ? 255 : 0;
  return mask;
}

/// Makes one sample; the pictures of its record are read when they are needed.
class SampleMaker {
 public:
  SampleMaker(const Record& record, const SampleOptions& options, const SampleChoices& choices,
              const Backgrounds* backgrounds)
      : record_(record), options_(options), choices_(choices), backgrounds_(backgrounds) {}

  Sample make(SampleParts parts) {
    const Task task = record_.task(options_.stage);
    sample_ = {.task = task, .num_pictures = pictures_of(task)};
    sample_.image_only = choices_.image_only && sample_.num_pictures <= 1;
    if (task == Task::kTextToImage && sample_.image_only) {
      if (record_.sources.empty()) {
        fail(RecordProblem::kMissingKey, "source_image: is missing, and image-only needs it");
      }
      sample_.num_pictures = 1;
    }
    if (parts.pictures) sample_.pictures = condition();
    if (parts.target) sample_.target = target();
    sample_.prompt = build_prompt(text());
    return std::move(sample_);
  }

 private:
  [[noreturn]] void fail(RecordProblem problem, const std::string& what) const {
    throw RecordError(problem, format("{}: {}", record_.where, what));
  }

  [[nodiscard]] Image read(const fs::path& file) const {
    return read_picture(record_, file, options_.max_image_pixels);
  }
  /// Notes that something was replaced; throws again where that is not wanted.
  void put_up_with(const RecordError& error) {
    if (options_.on_bad_record == OnBadRecord::kSkip) throw error;
    sample_.replaced.push_back(error.problem());
  }

  [[nodiscard]] Image white() const {
    const int64_t side = options_.image_size;
    Image image(side, side);
    std::ranges::fill(image.pixels, 255);
    return image;
  }

  /// kReference: a white picture for one that cannot be read.
  [[nodiscard]] Image read_or_white(const fs::path& file) {
    try {
      return read(file);
    } catch (const RecordError& error) {
      put_up_with(error);
      return white();
    }
  }
  [[nodiscard]] Image read_squashed(const fs::path& file) {
    return squash(read_or_white(file), options_.image_size);
  }
  /// A whole picture that the prompt shows.
  [[nodiscard]] Image read_condition(const fs::path& file) {
    return options_.condition_squash ? read_squashed(file) : read_or_white(file);
  }

  /// Opacity of the object, S x S; not thresholded.
  [[nodiscard]] Image read_mask(const fs::path& file) {
    Image mask = to_grey(read_squashed(file));
    if (!mask_box(mask)) {
      put_up_with(RecordError(RecordProblem::kEmptyMask,
                              format("{}: {}: the mask is empty", record_.where, file)));
    }
    return mask;
  }

  [[nodiscard]] int64_t pictures_of(Task task) const {
    if (task == Task::kTextToImage) return 0;
    const bool listed = record_.objects_listed || task == Task::kMultiImage;
    return listed ? static_cast<int64_t>(record_.images.size()) : 1;
  }

  /// The masked object of a single-object record on black.
  [[nodiscard]] Image segmented() {
    return keep_masked(read_squashed(record_.sources.front()),
                       threshold(read_mask(record_.images.front())));
  }

  [[nodiscard]] Image recovery_input() {
    if (backgrounds_ == nullptr) {
      throw ConfigError(
          format("{}: image recovery needs backgrounds (data.backgrounds)", record_.where));
    }
    const Image mask = read_mask(record_.images.front());
    const Image image = read_squashed(record_.sources.front());
    try {
      return recompose(backgrounds_->load(choices_.background, options_),
                       {.image = keep_masked(image, threshold(mask)), .mask = mask},
                       choices_.perturbation);
    } catch (const RecordError& error) {
      put_up_with(error);
      sample_.target_valid = false;
      return white();
    }
  }

  [[nodiscard]] std::vector<Image> object_crops() {
    const Image image = read_squashed(record_.sources.front());
    std::vector<Image> crops;
    for (const fs::path& file : record_.images) {
      const auto object = crop_object(image, threshold(read_mask(file)), choices_.crop);
      crops.push_back(object ? *object : white());
    }
    return crops;
  }

  [[nodiscard]] std::vector<Image> listed_pictures() {
    const ImageSize square{options_.image_size, options_.image_size};
    std::vector<Image> pictures;
    for (const fs::path& file : record_.images) {
      pictures.push_back(options_.squash_image_list ? read_squashed(file)
                                                    : resize(pad_to_square(read_or_white(file)),
                                                             square, Filter::kLanczos));
    }
    return pictures;
  }

  [[nodiscard]] std::vector<Image> condition() {
    switch (sample_.task) {
      case Task::kTextToImage:
        if (!sample_.image_only) return {};
        return {read_condition(record_.sources.front())};
      case Task::kMultiImage:
        return listed_pictures();
      case Task::kRecovery:
        return {recovery_input()};
      case Task::kSubject:
        return {read_condition(record_.images.front())};
      default:
        if (record_.objects_listed) return object_crops();
        return {read_condition(record_.sources.front())};
    }
  }

  [[nodiscard]] Image target() {
    switch (target_recipe(record_, options_.stage).kind) {
      case TargetRecipe::Kind::kWhole:
        return whole_target();
      case TargetRecipe::Kind::kSegmented:
        return segmented();
      default:
        return read_squashed(record_.sources.front());
    }
  }

  [[nodiscard]] Image whole_target() {
    const int64_t side = options_.image_size;
    try {
      Image image = read(record_.images.front());
      // As upstream: these records stretch what is too small; all others keep its aspect.
      if (std::min(image.width, image.height) < side) {
        image = resize(image, {side, side}, Filter::kBicubic);
      }
      return center_crop(image, side);
    } catch (const RecordError& error) {
      put_up_with(error);
      sample_.target_valid = false;
      return white();
    }
  }

  [[nodiscard]] TaskText text() const {
    TaskText text{.task = sample_.task, .text = record_.text, .objects = record_.objects};
    text.image_only = sample_.image_only;
    text.replace_subject = choices_.replace_subject;
    text.name_objects = options_.stage == Stage::kInstruction;
    // Stage 1 shows a record without flags, too, as the object alone, but asks by its caption.
    if (sample_.task == Task::kSegmentation && !record_.do_mask) text.task = Task::kSubject;
    return text;
  }

  Sample sample_;
  const Record& record_;
  const SampleOptions& options_;
  const SampleChoices& choices_;
  const Backgrounds* backgrounds_;
};

}  // namespace

Image read_picture(const Record& record, const fs::path& file, int64_t max_pixels) {
  if (const Image* drawn = record.find_drawn(file)) return *drawn;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    throw RecordError(RecordProblem::kMissingFile,
                      format("{}: {} does not exist", record.where, file));
  }
  try {
    return read_image(file, {.max_pixels = max_pixels});
  } catch (const UserError& error) {
    throw RecordError(RecordProblem::kUnreadableImage,
                      format("{}: {}", record.where, error.what()));
  }
}

TargetRecipe target_recipe(const Record& record, Stage stage) {
  const Task task = record.task(stage);
  if (task == Task::kTextToImage || task == Task::kReconstruction) {
    return {TargetRecipe::Kind::kWhole, {record.images.front()}};
  }
  if (task == Task::kSegmentation && !record.objects_listed) {
    return {TargetRecipe::Kind::kSegmented, {record.sources.front(), record.images.front()}};
  }
  // Upstream stretches the targets of all records with objects, as it does their conditions.
  return {TargetRecipe::Kind::kSquashed, {record.sources.front()}};
}

uint64_t sample_seed(uint64_t run_seed, int64_t epoch, uint64_t source, int64_t record,
                     int64_t copy) {
  const uint64_t seed = stream_seed(
      run_seed, "task", {static_cast<uint64_t>(epoch), source, static_cast<uint64_t>(record)});
  return copy == 0 ? seed : stream_seed(seed, "copy", {static_cast<uint64_t>(copy)});
}

SampleChoices draw_choices(const SampleOptions& options, uint64_t seed) {
  return {.image_only = uniform(seed, "image only") < options.image_only_rate,
          .replace_subject = uniform(seed, "replace subject") < options.replace_subject_rate,
          .crop = uniform(seed, "crop") < 0.5 ? ObjectCrop::kBox : ObjectCrop::kSegment,
          .background = stream_seed(seed, "background"),
          .perturbation =
              draw_perturbation(stream_seed(seed, "perturbation"), options.recovery_min_scale)};
}

Backgrounds::Backgrounds(const fs::path& file)
    : file_(std::in_place, file), folder_(file.parent_path()) {}

Backgrounds::Backgrounds(std::vector<Image> pictures) : pictures_(std::move(pictures)) {}

Image Backgrounds::read(int64_t index, int64_t max_pixels) const {
  const std::string where = file_->where(index);
  const auto record =
      nlohmann::json::parse(file_->line(index), nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) {
    throw RecordError(RecordProblem::kNotJson, format("{}: not a JSON object", where));
  }
  const auto path = record.find("input_image");
  if (path == record.end() || !path->is_string()) {
    throw RecordError(RecordProblem::kMissingKey, format("{}: input_image: is missing", where));
  }
  try {
    return read_image(folder_ / path->get<std::string>(), {.max_pixels = max_pixels});
  } catch (const UserError& error) {
    throw RecordError(RecordProblem::kUnreadableImage, format("{}: {}", where, error.what()));
  }
}

Image Backgrounds::load(uint64_t number, const SampleOptions& options) const {
  const uint64_t count = file_ ? static_cast<uint64_t>(file_->size()) : pictures_.size();
  const auto index = static_cast<int64_t>(number % count);
  return squash(center_square(file_ ? read(index, options.max_image_pixels) : pictures_.at(index)),
                options.image_size);
}

Sample make_sample(const Record& record, const SampleOptions& options, const SampleChoices& choices,
                   const Backgrounds* backgrounds, SampleParts parts) {
  return SampleMaker(record, options, choices, backgrounds).make(parts);
}

}  // namespace mentor
