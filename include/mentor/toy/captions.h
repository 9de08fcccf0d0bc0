#pragma once

#include "mentor/toy/world.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

/// "red and white striped star"; "in a meadow"; "at the top left", or of two "at the top".
[[nodiscard]] std::string identity_words(const Identity& identity);
[[nodiscard]] std::string_view background_words(int background);
[[nodiscard]] std::string_view place_words(const Scene& scene);
/// Of a shape or "object": "stars", "crosses", "fish".
[[nodiscard]] std::string plural(std::string_view noun);

/// The scene of a caption that names its subject, in any wording, with its objects in place; what
/// it leaves out is small, in a studio and in the middle. DataError naming a word that the world
/// does not have, or what is missing.
[[nodiscard]] Scene parse_caption(std::string_view text);

/// What a prompt asks for whose subject is shown by a picture.
struct AskedScene {
  Scene scene;               // of its subject nothing is known but ...
  std::optional<int> shape;  // ... this, unless the prompt says "object"
};
/// As parse_caption(), for a prompt that leaves pattern and colours, or these and the shape, to a
/// reference. DataError for a word that the world does not have, and where no subject is named.
[[nodiscard]] AskedScene parse_prompt(std::string_view text);

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
