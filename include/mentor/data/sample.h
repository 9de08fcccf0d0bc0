#pragma once

#include "mentor/data/record.h"
#include "mentor/image/image.h"
#include "mentor/image/perturbation.h"
#include "mentor/image/transforms.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

// From a record to what the model is trained on (dataset/t2i.py and augmentation.py of the
// reference).

/// What to do about pictures that cannot be read.
enum class OnBadRecord {
  kSkip,       // RecordError: the record is left out
  kReference,  // as upstream: white pictures, masks and targets, and no loss where it has no target
};

struct SampleOptions {
  Stage stage = Stage::kInstruction;
  OnBadRecord on_bad_record = OnBadRecord::kSkip;
  bool condition_squash = true;     // whole condition pictures are stretched to a square first
  double image_only_rate = 0;       // share of samples whose prompt is the picture alone
  double replace_subject_rate = 0;  // share whose object's word becomes its picture (script: 0.5)
  double recovery_min_scale = 0.2;  // of a recovered object's size in its own picture
  bool squash_image_list = false;   // multi-image: stretched to a square, not padded to one
  int64_t image_size = 512;         // S
  int64_t max_image_pixels = 178'956'970;
};

/// Every random choice of one sample.
struct SampleChoices {
  bool image_only = false;
  bool replace_subject = false;
  ObjectCrop crop = ObjectCrop::kBox;
  uint64_t background = 0;  // a number that picks the picture
  Perturbation perturbation;
};

/// Seed of the choices of one record in one epoch: workers, ranks and resuming change nothing.
/// `source` is a number of the record's file that does not depend on other files, `copy` that of
/// SampleIndex.
[[nodiscard]] uint64_t sample_seed(uint64_t run_seed, int64_t epoch, uint64_t source,
                                   int64_t record, int64_t copy = 0);

/// A pure function of the seed.
[[nodiscard]] SampleChoices draw_choices(const SampleOptions& options, uint64_t seed);

/// The pictures that recovered objects are pasted on: those of a JSONL file with the field
/// input_image, or some in memory.
class Backgrounds {
 public:
  explicit Backgrounds(const fs::path& file);
  explicit Backgrounds(std::vector<Image> pictures);
  /// Central square of the picture that `number` picks, S x S. RecordError when it cannot be read.
  [[nodiscard]] Image load(uint64_t number, const SampleOptions& options) const;

 private:
  [[nodiscard]] Image read(int64_t index, int64_t max_pixels) const;

  std::optional<RecordFile> file_;
  fs::path folder_;
  std::vector<Image> pictures_;
};

/// What a target is made of; no random choice has a part in it.
struct TargetRecipe {
  enum class Kind {
    kWhole,      // the picture's central square
    kSquashed,   // the picture, stretched to a square
    kSegmented,  // that, black where the mask (the second file) is
  };
  Kind kind = Kind::kWhole;
  std::vector<fs::path> files;
};
[[nodiscard]] TargetRecipe target_recipe(const Record& record, Stage stage);

struct Sample {
  Task task = Task::kTextToImage;
  bool image_only = false;
  std::string prompt;  // one <image> per picture
  int64_t num_pictures = 0;
  std::vector<Image> pictures;          // as they go to CLIP's preprocessing
  Image target;                         // RGB, S x S
  bool target_valid = true;             // kReference: false when there is none
  std::vector<RecordProblem> replaced;  // kReference: what was put up with
};

/// A picture of the record, from its file or from memory. Throws RecordError when it is missing,
/// damaged or too large.
[[nodiscard]] Image read_picture(const Record& record, const fs::path& file, int64_t max_pixels);

/// What of a sample is wanted: pictures of what is not are never opened.
struct SampleParts {
  bool pictures = true, target = true;
};

/// Reads the record's pictures and applies its task. Throws RecordError when a picture is missing,
/// damaged or too large, or a mask is empty; nothing is replaced by a white picture unless
/// `on_bad_record` says so. `backgrounds` may be null; ConfigError when recovery needs them.
[[nodiscard]] Sample make_sample(const Record& record, const SampleOptions& options,
                                 const SampleChoices& choices, const Backgrounds* backgrounds,
                                 SampleParts parts = {});

}  // namespace mentor
