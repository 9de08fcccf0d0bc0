#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/eval/dataset.h"
#include "mentor/image/image_io.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// How pictures of data set and samples are read (the loader of DreamBench++).
inline constexpr DecodeOptions kSampleDecoding{.apply_orientation = true, .alpha_on_white = true};

/// The files of one generated picture; paths are empty where they are missing.
struct SampleFiles {
  ItemKey key;
  fs::path reference;   // the subject's picture, as the method got it
  fs::path generated;   // what it drew
  std::string caption;  // the prompt, as the method got it

  [[nodiscard]] bool complete() const {
    return !reference.empty() && !generated.empty() && !caption.empty();
  }
};

struct SampleSet {
  std::vector<SampleFiles> items;     // of every subject, prompt and sample, in that order
  std::vector<std::string> missing;   // one line each that begins with the file
  std::vector<std::string> problems;  // what else is wrong, likewise
  /// Captions other than the data set's prompts: the samples' own are what counts.
  std::vector<std::string> other_captions;
};

/// The name of a folder of samples, which stands for the method that drew them.
[[nodiscard]] std::string name_of_samples(const fs::path& folder);

/// Finds src_image/ID/P_J.jpg (or .jpeg, .png), tgt_image/ID/P_J.jpg and text/ID/P_J.txt for the
/// samples 0 to `samples_per_prompt` - 1 of each prompt. Decodes no picture.
[[nodiscard]] SampleSet read_samples(const fs::path& root, const Dataset& dataset,
                                     int64_t samples_per_prompt);

}  // namespace mentor
