#pragma once

#include "mentor/core/filesystem.h"
#include "support/run_program.h"

#include <string>
#include <utility>
#include <vector>

namespace mentor {

/// A file or folder of configs/ where it would lie in a clone in `clone`, with its own paths.
inline fs::path in_clone(const fs::path& clone, const std::string& file) {
  const fs::path copy = clone / "configs" / file;
  fs::create_directories(copy.parent_path());
  fs::copy(fs::path(MENTOR_SOURCE_DIR) / "configs" / file, copy, fs::copy_options::recursive);
  return copy;
}

inline ProgramResult mentor(std::vector<std::string> words) {
  words.insert(words.begin(), MENTOR_BINARY);
  return run_program(std::move(words));
}

}  // namespace mentor
