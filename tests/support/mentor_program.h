#pragma once

#include "support/run_program.h"

#include <string>
#include <utility>
#include <vector>

namespace mentor {

/// `mentor WORDS...`, as a user runs it.
inline ProgramResult mentor(std::vector<std::string> words) {
  words.insert(words.begin(), MENTOR_BINARY);
  return run_program(std::move(words));
}

}  // namespace mentor
