#pragma once

#include "mentor/core/filesystem.h"

#include <memory>
#include <string>
#include <string_view>

namespace mentor {

/// A file of lines that one process at a time appends to. A line is one write, so a killed process
/// loses none that append() returned for; a power cut loses at most the last second.
class LineStore {
 public:
  /// Creates the file; cuts off half a line. UserError when it cannot be written or when another
  /// process has it, which `in_use` says, with the cure.
  LineStore(fs::path file, std::string_view in_use);
  ~LineStore();
  LineStore(const LineStore&) = delete;
  LineStore& operator=(const LineStore&) = delete;

  /// The whole lines that were in the file when it was opened.
  [[nodiscard]] const std::string& text() const;
  /// `line` ends with a line feed.
  void append(std::string_view line);
  /// Empties the file; text() stays.
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mentor
