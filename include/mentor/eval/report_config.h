#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace mentor {

/// What `mentor evaluate report` shows beside the ratings.
struct EvaluationReportConfig {
  std::string method;
  int64_t draws = 10'000;
  int64_t seed = 0;
  std::filesystem::path identity, mismatched;

  template <class Visitor>
  void fields(Visitor& v) {
    v("method", method, "name of the method; empty: that of the folder of samples");
    v("draws", draws, "draws of subjects that the intervals come from", bound::between(100, 1e6));
    v("seed", seed, "of these draws", bound::non_negative());
    v("identity", identity,
      "evaluate.out of samples that are the references themselves: a good judge gives CP 1, 4 of "
      "4");
    v("mismatched", mismatched,
      "evaluate.out of samples that show other subjects: a good judge gives CP 0");
  }
};

}  // namespace mentor
