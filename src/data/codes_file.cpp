#include "mentor/data/codes_file.h"

#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace mentor {
namespace {

using nlohmann::json;

/// The conversion to int64_t would cut 1.9 to 1.
void require_whole_numbers(const json& list, const std::string& where) {
  for (const json& item : list) {
    if (item.is_number_integer()) continue;
    throw DataError(format("{}: {} is no whole number", where, item.dump()));
  }
}

}  // namespace

void write_codes(const std::filesystem::path& file, const std::vector<CodeGrid>& pictures) {
  json items = json::array();
  for (const CodeGrid& picture : pictures) {
    items.push_back({{"name", picture.name},
                     {"grid", {picture.height, picture.width}},
                     {"codes", picture.codes}});
  }
  const json content{{"pictures", items}};
  // A name comes from a file and need not be UTF-8.
  write_text(file, content.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

std::vector<CodeGrid> read_codes(const std::filesystem::path& file, int64_t codebook_size) {
  std::vector<CodeGrid> pictures;
  try {
    const json content = json::parse(read_text(file));
    for (const json& item : content.at("pictures")) {
      CodeGrid picture{.name = item.at("name"),
                       .height = item.at("grid").at(0),
                       .width = item.at("grid").at(1),
                       .codes = item.at("codes")};
      const std::string where = format("{}: picture {} '{}'", file, pictures.size(), picture.name);
      require_whole_numbers(item.at("grid"), where);
      require_whole_numbers(item.at("codes"), where);
      if (picture.height < 1 || picture.width < 1 || picture.height > 4096 ||
          picture.width > 4096 ||
          static_cast<int64_t>(picture.codes.size()) != picture.height * picture.width) {
        throw DataError(format("{}: {} codes do not fill a grid of {} x {}", where,
                               picture.codes.size(), picture.height, picture.width));
      }
      const auto [low, high] = std::minmax_element(picture.codes.begin(), picture.codes.end());
      if (*low < 0 || *high >= codebook_size) {
        throw DataError(format("{}: code {} is outside the codebook of {}", where,
                               *low < 0 ? *low : *high, codebook_size));
      }
      pictures.push_back(std::move(picture));
    }
  } catch (const json::exception& e) {
    throw DataError(
        format("{}: is no file of codes as `codec encode` writes it ({})", file, e.what()));
  }
  return pictures;
}

}  // namespace mentor
