#include "mentor/tensor/dtype.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

namespace mentor {

std::string_view dtype_name(c10::ScalarType dtype) {
  switch (dtype) {
    case c10::kDouble:
      return "fp64";
    case c10::kFloat:
      return "fp32";
    case c10::kHalf:
      return "fp16";
    case c10::kBFloat16:
      return "bf16";
    case c10::kLong:
      return "int64";
    case c10::kInt:
      return "int32";
    case c10::kShort:
      return "int16";
    case c10::kChar:
      return "int8";
    case c10::kByte:
      return "uint8";
    case c10::kBool:
      return "bool";
    default:
      return c10::toString(dtype);
  }
}

c10::ScalarType parse_dtype(std::string_view name) {
  for (const c10::ScalarType dtype : {c10::kFloat, c10::kBFloat16, c10::kHalf}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  throw ConfigError(format("'{}' is no dtype for weights: fp32, bf16 or fp16", name));
}

}  // namespace mentor
