#pragma once

#include "mentor/core/filesystem.h"

#include <cstdlib>

namespace mentor {

/// Why a test of the photos is left out: they are no part of the repository.
inline constexpr const char* kNoPhotos =
    "the photos are absent (set MENTOR_PHOTOS to their folder)";

/// Photos and prompts in the layout of DreamBench++, beside the clone or in $MENTOR_PHOTOS; empty:
/// they are absent.
inline fs::path standin_dataset() {
  const char* chosen = std::getenv("MENTOR_PHOTOS");
  const fs::path photos = chosen != nullptr ? chosen : MENTOR_SOURCE_DIR "/../shared/photos";
  const fs::path data = photos / "dreambench_standin";
  return fs::is_directory(data) ? data : fs::path();
}

}  // namespace mentor
