#include "mentor/core/format.h"
#include "mentor/data/record.h"

#include <algorithm>
#include <array>

namespace mentor {
namespace {

bool is_picture(const fs::path& file) {
  constexpr std::array<std::string_view, 5> kSuffixes{".jpg", ".jpeg", ".png", ".webp", ".bmp"};
  std::string suffix = file.extension().string();
  std::ranges::transform(suffix, suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kSuffixes, suffix) != kSuffixes.end();
}

}  // namespace

RecordFolder::RecordFolder(const fs::path& folder) {
  std::error_code error;
  const auto options = fs::directory_options::follow_directory_symlink;
  fs::recursive_directory_iterator entry(folder, options, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (is_picture(entry->path()) && entry->is_regular_file()) files_.push_back(entry->path());
  }
  if (error) throw DataError(format("{}: cannot read: {}", folder, error.message()));
  if (files_.empty()) {
    throw DataError(format("{}: holds no picture (jpg, png, webp, bmp)", folder));
  }
  std::ranges::sort(files_);
}

std::string RecordFolder::where(int64_t index) const {
  return files_.at(static_cast<size_t>(index)).string();
}

Record RecordFolder::record(int64_t index) const {
  const fs::path& file = files_.at(static_cast<size_t>(index));
  return {.where = file.string(), .images = {file}, .generation_only = true};
}

std::shared_ptr<const RecordSource> open_records(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return std::make_shared<const RecordFolder>(path);
  return std::make_shared<const RecordFile>(path);
}

}  // namespace mentor
