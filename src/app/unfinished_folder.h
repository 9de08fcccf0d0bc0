#pragma once

#include "mentor/core/filesystem.h"

#include <string_view>

namespace mentor {

/// A folder under another name until it is complete; removed if it never is.
class UnfinishedFolder {
 public:
  /// UserError for a folder that is there and not empty, ConfigError for none at all.
  explicit UnfinishedFolder(fs::path folder);
  ~UnfinishedFolder();
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  void make_folder(const fs::path& name) const;
  [[nodiscard]] FileWriter writer(const fs::path& name) const;
  void write(const fs::path& name, std::string_view bytes) const;
  void publish() const;

 private:
  fs::path folder_, unfinished_;
};

}  // namespace mentor
