#pragma once

#include "mentor/config/fields.h"

#include <filesystem>
#include <string>

namespace mentor {

/// How records become samples. Defaults: stage 2 of the paper.
struct DataConfig {
  std::string stage = "instruction";
  double image_only_rate = 0;
  double replace_subject_rate = 0;
  bool condition_squash = true;
  bool squash_image_list = false;
  std::filesystem::path backgrounds;
  std::string on_bad_record = "skip";
  double bad_record_limit = 0.001;

  template <class Visitor>
  void fields(Visitor& v) {
    v("stage", stage,
      "alignment (stage 1): an object record shows its object on black; instruction (stage 2): it "
      "is recovered or put in a new scene",
      bound::one_of({"alignment", "instruction"}));
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
    v("backgrounds", backgrounds,
      "JSON lines with input_image: pictures that recovered objects are pasted on");
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
