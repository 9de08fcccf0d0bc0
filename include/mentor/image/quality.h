#pragma once

#include "mentor/image/image.h"

namespace mentor {

// How close a picture is to another of the same size and channels. All throw DataError, naming
// the sizes, where they differ.

/// Over all pixels and channels, whose values count as 0 to 1.
[[nodiscard]] double mean_squared_error(const Image& a, const Image& b);

/// Peak signal-to-noise ratio in dB, the error taken over all channels; infinity for equal ones.
[[nodiscard]] double psnr(const Image& a, const Image& b);

/// Structural similarity (Wang et al. 2004), 1 for equal pictures: 11 x 11 Gaussian window of sigma
/// 1.5 wherever it fits into the picture, K = (.01, .03), per channel, then the mean. Throws
/// DataError for sides below 11 pixels.
[[nodiscard]] double ssim(const Image& a, const Image& b);

}  // namespace mentor
