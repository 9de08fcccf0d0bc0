#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mentor {

/// One source of samples: a file, what is taken of it and how much.
struct MixtureEntry {
  std::filesystem::path file;
  double weight = 1;
  int64_t samples = -1;
  std::string toy = "none";
  std::vector<std::string> tasks;
  double image_only_rate = -1;
  double replace_subject_rate = -1;

  [[nodiscard]] bool is_toy() const { return toy != "none"; }

  template <class Visitor>
  void fields(Visitor& v) {
    v("file", file, "JSON lines of records");
    v("toy", toy,
      "instead of a file: records of the toy world, drawn when needed, with subjects of training "
      "or "
      "with held-out ones; the section toy describes them",
      bound::one_of({"none", "train", "held_out"}));
    v("weight", weight,
      "samples of an epoch as a multiple of the file's records; 0.5: half of them, the other half "
      "in the next epoch; 2: all of them twice; 0: none",
      bound::between(0, 1e6));
    v("samples", samples, "exact number of samples of an epoch; 0: none; -1: by weight",
      bound::between(-1, 2e8));
    v("tasks", tasks,
      "only records of these kinds, by their flags (do_mask: segmentation, do_replace: recovery, "
      "objects alone: subject); []: all records",
      bound::one_of({"text_to_image", "reconstruction", "segmentation", "recovery", "subject",
                     "multi_object", "multi_image"}));
    v("image_only_rate", image_only_rate, "instead of data.image_only_rate; -1: that one",
      bound::between(-1, 1));
    v("replace_subject_rate", replace_subject_rate,
      "instead of data.replace_subject_rate; -1: that one", bound::between(-1, 1));
  }
};

/// How records become samples. Defaults: stage 2 of the paper.
struct DataConfig {
  std::string stage = "instruction";
  std::map<std::string, MixtureEntry> mixture;
  std::filesystem::path validation;
  bool validation_toy = false;
  int64_t validation_samples = 512;
  std::vector<std::string> validation_tasks;
  double image_only_rate = 0;
  double replace_subject_rate = 0;
  bool condition_squash = true;
  bool squash_image_list = false;
  double recovery_min_scale = 0.2;
  std::filesystem::path backgrounds;
  std::filesystem::path code_cache;
  std::string on_bad_record = "skip";
  double bad_record_limit = 0.001;

  template <class Visitor>
  void fields(Visitor& v) {
    v("stage", stage,
      "alignment (stage 1): an object record shows its object on black; instruction (stage 2): it "
      "is recovered or put in a new scene",
      bound::one_of({"alignment", "instruction"}));
    v("mixture", mixture, "what an epoch is made of: entries with names of your choice");
    v("validation", validation, "JSON lines of records that are held out, for the validation loss");
    v("validation_toy", validation_toy,
      "instead of a file: records of the toy world with held-out subjects");
    v("validation_samples", validation_samples, "how many of them are used, always the same",
      bound::between(1, 1e6));
    v("validation_tasks", validation_tasks, "only those of these kinds, as data.mixture.NAME.tasks",
      bound::one_of({"text_to_image", "reconstruction", "segmentation", "recovery", "subject",
                     "multi_object", "multi_image"}));
    v("image_only_rate", image_only_rate,
      "share of samples whose prompt is the picture alone (the reference's stage 1: 0.1)",
      bound::between(0, 1));
    v("replace_subject_rate", replace_subject_rate,
      "share of object records whose object's word becomes its picture (the reference: 0.5 with "
      "--replace_subject)",
      bound::between(0, 1));
    v("condition_squash", condition_squash,
      "whole condition pictures are stretched to a square before CLIP's crop, as the reference "
      "trains; false: as it generates");
    v("squash_image_list", squash_image_list,
      "pictures of multi-image records: stretched to a square instead of padded to one");
    v("recovery_min_scale", recovery_min_scale,
      "how small an object is pasted at least, of its size in its own picture (the reference: "
      "0.2); "
      "more for pictures of few pixels",
      bound::between(0.05, 1));
    v("backgrounds", backgrounds,
      "JSON lines with input_image: pictures that recovered objects are pasted on");
    v("code_cache", code_cache,
      "folder of codes of the targets, which 'mentor data encode' makes; without one the codec "
      "runs in training");
    v("on_bad_record", on_bad_record,
      "skip: a record with a picture that cannot be read or a prompt that is too long is left out "
      "and counted; reference: it trains on white pictures, without a loss where the target is "
      "missing, and on the part of the prompt that fits",
      bound::one_of({"skip", "reference"}));
    v("bad_record_limit", bad_record_limit,
      "share of bad records above which a file is refused; up to it they are skipped and counted",
      bound::between(0, 1));
  }
};

}  // namespace mentor
