#pragma once

#include <cstdint>

namespace mentor {

/// bfloat16 storage: the upper half of an IEEE float.
struct Bf16 {
  uint16_t bits;
};

}  // namespace mentor
