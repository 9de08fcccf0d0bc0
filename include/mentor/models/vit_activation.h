#pragma once

namespace mentor {

/// Of a vision transformer's MLP: the exact GELU, or x σ(1.702 x).
enum class Activation { kGelu, kQuickGelu };

}  // namespace mentor
