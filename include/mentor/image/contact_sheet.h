#pragma once

#include "mentor/image/image.h"

#include <span>
#include <string>
#include <vector>

namespace mentor {

struct ContactSheetOptions {
  int64_t columns = 4;
  int64_t cell_size = 256;  // every picture is fitted into a square of this many pixels
  int64_t margin = 8;
  size_t caption_lines = 1;
};

/// The picture in RGB, scaled so that its longer side has `side` pixels.
[[nodiscard]] Image fit_to_square(const Image& picture, int64_t side);

/// Grid of pictures on white, row by row. `captions` may be empty, else one per picture; a caption
/// that does not fit is cut.
[[nodiscard]] Image contact_sheet(std::span<const Image> pictures,
                                  std::span<const std::string> captions = {},
                                  const ContactSheetOptions& options = {});

}  // namespace mentor
