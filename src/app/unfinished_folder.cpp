#include "unfinished_folder.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <unistd.h>

namespace mentor {

UnfinishedFolder::UnfinishedFolder(fs::path folder) : folder_(std::move(folder)) {
  if (folder_.empty()) throw ConfigError("--out is empty: name the folder to write");
  if (!folder_.has_filename()) folder_ = folder_.parent_path();  // "made/"
  std::error_code ignored;
  if (fs::exists(folder_, ignored) &&
      !(fs::is_directory(folder_, ignored) && fs::is_empty(folder_, ignored))) {
    throw UserError(
        format("{}: exists already: choose another --out, or delete it first", folder_));
  }
  unfinished_ = folder_.string() + format(".{}.tmp", ::getpid());
  std::error_code error;
  fs::create_directories(unfinished_, error);
  if (error) throw UserError(format("{}: cannot create: {}", folder_, error.message()));
}

UnfinishedFolder::~UnfinishedFolder() {
  std::error_code ignored;
  fs::remove_all(unfinished_, ignored);
}

void UnfinishedFolder::make_folder(const fs::path& name) const {
  std::error_code error;
  fs::create_directories(unfinished_ / name, error);
  if (error) throw UserError(format("{}: cannot create: {}", folder_ / name, error.message()));
}

FileWriter UnfinishedFolder::writer(const fs::path& name) const {
  return {unfinished_ / name, folder_ / name};
}

void UnfinishedFolder::write(const fs::path& name, std::string_view bytes) const {
  FileWriter file = writer(name);
  file.write(bytes);
  file.close();
}

void UnfinishedFolder::publish() const { publish_directory(unfinished_, folder_); }

}  // namespace mentor
