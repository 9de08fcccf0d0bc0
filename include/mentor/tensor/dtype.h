#pragma once

#include <c10/core/ScalarType.h>

#include <string_view>

namespace mentor {

/// "fp32", "bf16", "int64": the words of configurations and reports.
[[nodiscard]] std::string_view dtype_name(c10::ScalarType dtype);

/// fp32, bf16 or fp16; ConfigError for another word.
[[nodiscard]] c10::ScalarType parse_dtype(std::string_view name);

}  // namespace mentor
