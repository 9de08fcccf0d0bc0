#pragma once

#include "mentor/core/filesystem.h"

#include <string>

namespace mentor {

/// A file or folder of configs/ where it would lie in a clone in `clone`, with its own paths.
inline fs::path in_clone(const fs::path& clone, const std::string& file) {
  const fs::path copy = clone / "configs" / file;
  fs::create_directories(copy.parent_path());
  fs::copy(fs::path(MENTOR_SOURCE_DIR) / "configs" / file, copy, fs::copy_options::recursive);
  return copy;
}

}  // namespace mentor
