#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <string>

namespace mentor {

/// What pictures of the toy world look like and what is said about them. Defaults: a world that a
/// small model learns in minutes.
struct ToyConfig {
  int64_t size = 32;
  int64_t records = 10000;
  int64_t seed = 0;
  std::string palette = "small";
  int64_t identities = 0;
  double jitter = 0;
  double distractor_rate = 0.3;
  double correlated_rate = 0;
  int64_t wordings = 1;
  double underdescribed_rate = 0;
  std::string nouns = "shape";

  template <class Visitor>
  void fields(Visitor& v) {
    v("size", size, "side of a picture in pixels, a power of two", bound::between(32, 128));
    v("records", records, "how many records of each task there are", bound::between(1, 1e8));
    v("seed", seed, "what they are drawn from", bound::non_negative());
    v("palette", palette,
      "small: red, yellow, green, blue, purple or pink with orange or white, 600 identities; full: "
      "any two of the eight colours, 2800",
      bound::one_of({"small", "full"}));
    v("identities", identities,
      "how many subjects training records have, of all shapes and colours (distractors are others, "
      "too); 0: all of the palette but the eighth that is held out",
      bound::non_negative());
    v("jitter", jitter,
      "how far places (1.5 of 64 units), sizes (5 %) and tilts (0.2 rad) stray; 0: not at all",
      bound::between(0, 1));
    v("distractor_rate", distractor_rate,
      "share of reference pictures of one object that show another one beside it, where one fits",
      bound::between(0, 1));
    v("correlated_rate", correlated_rate,
      "share of subject-driven pairs whose reference shows the target's scene already",
      bound::between(0, 1));
    v("wordings", wordings, "how many ways of saying the same captions choose from; 1: the plain",
      bound::between(1, 4));
    v("underdescribed_rate", underdescribed_rate,
      "share of captions that leave out some of size, background and place", bound::between(0, 1));
    v("nouns", nouns, "shape: a subject is called 'star'; object: its word does not give it away",
      bound::one_of({"shape", "object"}));
  }

  /// Of the palette, without those that are held out.
  [[nodiscard]] int64_t num_train_identities() const { return palette == "small" ? 528 : 2453; }
  /// Pictures have 32, 64 or 128 pixels a side.
  [[nodiscard]] bool has_known_size() const { return size == 32 || size == 64 || size == 128; }
};

}  // namespace mentor
