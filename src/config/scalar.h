#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace mentor {

/// A YAML scalar as written.
struct Scalar {
  std::string text;
  bool quoted = false;
};

/// Reads `scalar` into `value` if it has the type and keeps the bound. Returns what is wrong with
/// it ("needs an integer, not 'x'"), or "".
std::string parse_scalar(const Scalar& scalar, const Bound& bound, bool& value);
std::string parse_scalar(const Scalar& scalar, const Bound& bound, int64_t& value);
std::string parse_scalar(const Scalar& scalar, const Bound& bound, double& value);
std::string parse_scalar(const Scalar& scalar, const Bound& bound, std::string& value);
std::string parse_scalar(const Scalar& scalar, const Bound& bound, std::filesystem::path& value);

/// `text` as one YAML scalar that reads back as the same text: plain where that is safe.
std::string quote_scalar(const std::string& text);

}  // namespace mentor
