#pragma once

#include "mentor/toy/world.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mentor {

/// How a scene is put into words.
struct CaptionOptions {
  bool identity = false;     // colours and pattern, too: "red and white striped"
  bool object_noun = false;  // "object" instead of the shape
  int64_t wording = 0;       // of kToyWordings; 0 is the plain one
  bool leave_size = false;   // left out, as are the next two
  bool leave_background = false;
  bool leave_place = false;
};
inline constexpr int64_t kToyWordings = 4;

/// "a large red and white striped star in a meadow at the top left", "two stars at night".
[[nodiscard]] std::string caption(const Scene& scene, const CaptionOptions& options = {});

/// The wording and what is left out, drawn from the seed as the configuration says.
[[nodiscard]] CaptionOptions draw_caption_options(const ToyConfig& config, bool identity,
                                                  uint64_t seed);

/// What prompts call the subject: "star", "stars"; "object", "objects".
[[nodiscard]] std::string subject_word(const Scene& scene, bool object_noun = false);

/// Prompts of all tasks with every word of the world, always the same. train_tokenizer() of
/// text/tokenizer_training.h makes them a tokenizer of kToyPieces with one piece for each word.
[[nodiscard]] std::vector<std::string> toy_sentences();
inline constexpr int64_t kToyPieces = 200;

/// All words of captions and prompts, sorted, as they are written (upper and lower case differ).
[[nodiscard]] std::vector<std::string> toy_vocabulary();

}  // namespace mentor
