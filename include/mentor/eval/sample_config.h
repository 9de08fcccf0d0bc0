#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <string>

namespace mentor {

/// Which pictures `mentor evaluate generate` draws; how they are sampled, the section generate
/// says.
struct SampleConfig {
  std::string method = "model";
  std::string prompt_template = "subject";
  std::string format = "jpg";
  int64_t jpeg_quality = 75;
  bool redraw = false;

  template <class Visitor>
  void fields(Visitor& v) {
    v("method", method,
      "model: draw; reference, mismatched: take the subject's reference, or another one's, as the "
      "picture, to see whether a judge says CP 4, or about 0",
      bound::one_of({"model", "reference", "mismatched"}));
    v("template", prompt_template,
      "subject: the training template with the subject's word before the prompt; replace: its word "
      "in the prompt becomes the picture, where it occurs once; caption: the picture, then the "
      "prompt",
      bound::one_of({"subject", "replace", "caption"}));
    v("format", format, "of the pictures: jpg, as the published samples, or png",
      bound::one_of({"jpg", "png"}));
    v("jpeg_quality", jpeg_quality, "of jpg; the published samples have Pillow's default",
      bound::between(1, 100));
    v("redraw", redraw,
      "delete pictures that 'mentor evaluate generate' drew with other settings, and draw anew; "
      "false: stop instead");
  }
};

}  // namespace mentor
