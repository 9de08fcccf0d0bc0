#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace mentor {

/// The launcher's own output, written to by all ranks.
class SharedOutput {
 public:
  /// A whole line, on a line of its own also when a progress line is standing there.
  void write_line(int fd, std::string_view prefix, std::string_view line);
  /// As it comes.
  void write_raw(int fd, std::string_view bytes);

 private:
  std::string open_line_;  // what was written after the last line break
};

struct RankOutputOptions {
  int64_t rank = 0;
  bool shown = true;
  bool raw = false;  // without a prefix, progress lines as they are
  std::optional<std::filesystem::path> log_file;
};

/// Where what one rank prints goes.
class RankOutput {
 public:
  /// Throws UserError when the log file cannot be opened.
  RankOutput(SharedOutput& shared, const RankOutputOptions& options);
  ~RankOutput();
  RankOutput(const RankOutput&) = delete;
  RankOutput& operator=(const RankOutput&) = delete;

  /// `fd`: 1 or 2, what the rank wrote to.
  void take(int fd, std::string_view bytes);
  /// A last line without a line break.
  void finish();
  /// The last error message on its standard error, or the last line there; "" without any.
  [[nodiscard]] std::string last_words() const;

 private:
  void take_line(int fd, std::string_view line);
  void remember(std::string_view line);

  SharedOutput& shared_;
  RankOutputOptions options_;
  std::string prefix_;
  int log_fd_ = -1;
  std::string open_lines_[3];  // by descriptor
  std::string error_;
  int error_lines_ = 0;
  std::string last_line_;
};

}  // namespace mentor
