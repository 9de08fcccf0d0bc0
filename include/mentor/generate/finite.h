#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace mentor {

/// WeightsError when `x` holds NaN or infinity, so that damaged weights never become a picture.
/// Waits for the device: once per picture, not once per token.
void require_finite(const at::Tensor& x, std::string_view what);

}  // namespace mentor
