#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace mentor {

/// A file of the golden fixtures: below $MENTOR_FIXTURES, or the copies in tests/golden.
inline std::filesystem::path fixture_path(const std::string& relative) {
  const char* root = std::getenv("MENTOR_FIXTURES");
  return std::filesystem::path(root != nullptr ? root : MENTOR_SOURCE_DIR "/tests/golden") /
         relative;
}

/// The key lists of the published files: facts of our own tree, not part of a set of fixtures.
inline std::filesystem::path keys_path(const std::string& file) {
  return std::filesystem::path(MENTOR_SOURCE_DIR "/tests/golden/keys") / file;
}

}  // namespace mentor
