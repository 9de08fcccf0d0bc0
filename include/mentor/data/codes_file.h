#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// The codes of one picture, row by row.
struct CodeGrid {
  std::string name;  // of the picture file it came from or goes to, without suffix
  int64_t height = 0, width = 0;
  std::vector<int64_t> codes;  // height x width
};

/// {"pictures": [{"name": ..., "grid": [height, width], "codes": [...]}]}: what `codec encode` and
/// `generate --save-tokens` write and `codec decode` reads.
void write_codes(const std::filesystem::path& file, const std::vector<CodeGrid>& pictures);

/// Throws DataError naming file and picture when a grid and its codes disagree or a code is not
/// below `codebook_size`.
[[nodiscard]] std::vector<CodeGrid> read_codes(const std::filesystem::path& file,
                                               int64_t codebook_size);

}  // namespace mentor
