#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/train/run_log.h"

#include <string>
#include <vector>

namespace mentor {

/// The newest six sample grids and the first one, newest on top, inside the page as JPEG of at most
/// about 1 MB in all; each is a link to its file. Empty where the run has none.
[[nodiscard]] std::string pictures_html(const fs::path& folder,
                                        const std::vector<RunPictures>& pictures);

/// Only the newest; the page finds the folder as `link`.
[[nodiscard]] std::string newest_picture_html(const fs::path& folder, const fs::path& link,
                                              const std::vector<RunPictures>& pictures);

}  // namespace mentor
