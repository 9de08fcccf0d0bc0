#pragma once

#include "mentor/toy/records.h"
#include "mentor/toy/score.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace mentor {

/// A record as the oracle sees it: what a picture made from it should show.
struct ToyCase {
  Split split = Split::kTrain;
  int64_t number = 0;
  /// The picture that the model is shown. None for text to image; none for recovery, either, whose
  /// subject is pasted somewhere anew each time.
  std::optional<Scene> reference;
  Scene asked;
  std::set<ToyAttribute> named;  // of the subject's attributes, those that the prompt gives away
  std::string prompt;            // the record's text
  std::string picture;           // name of the target's file, "000017_target"
};

/// Of a record of the pair, as toy_record() makes them. DataError beginning with record.where for
/// segmentation, whose subjects on black the oracle does not read.
[[nodiscard]] ToyCase toy_case(const ToyPair& pair, const Record& record);

/// How far a picture shows what the case asks for: nothing is asked about what stands beside the
/// subject of a reconstruction. `truth` is what is read in a perfect picture. That scores 1 even
/// where the two stand so near that the oracle takes them for one thing.
[[nodiscard]] ToyScore score(const ToyReading& picture, const ToyCase& of, const ToyReading& truth);

/// Of a line of a file that `mentor toy make` wrote. DataError beginning with `where`.
[[nodiscard]] ToyCase parse_toy_case(const std::string& line, const std::string& where);

}  // namespace mentor
