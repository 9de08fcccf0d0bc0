#pragma once

#include "mentor/core/filesystem.h"

#include <nlohmann/json.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace mentor {

/// The "train" and "validation" lines of a metrics.jsonl without their "speed": equal for a
/// resumed run and an uninterrupted one.
inline std::vector<std::string> repeatable_lines(const fs::path& file) {
  std::vector<std::string> lines;
  std::istringstream in(read_text(file));
  for (std::string line; std::getline(in, line);) {
    nlohmann::ordered_json object = nlohmann::ordered_json::parse(line);
    if (object["kind"] != "train" && object["kind"] != "validation") continue;
    object.erase("speed");
    lines.push_back(object.dump());
  }
  return lines;
}

}  // namespace mentor
