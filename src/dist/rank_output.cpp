#include "rank_output.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace mentor {
namespace {

constexpr int kLinesOfAnError = 20;
constexpr size_t kLongestLine = 1 << 16;
constexpr std::string_view kClearLine = "\x1b[K";

/// Nothing to be done about a terminal that is gone.
void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

/// What is left standing of a line that a progress display has written over.
std::string_view final_text(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  line = line.substr(line.rfind('\r') + 1);
  if (line.ends_with(kClearLine)) line.remove_suffix(kClearLine.size());
  return line;
}

}  // namespace

void SharedOutput::write_line(int fd, std::string_view prefix, std::string_view line) {
  std::string text;
  // A progress line is written again, anything else has to stay.
  const bool is_progress = open_line_.find('\r') != open_line_.npos && ::isatty(fd) == 1;
  if (!open_line_.empty()) text += is_progress ? "\r\x1b[K" : "\n";
  open_line_.clear();
  text += prefix;
  text += line;
  text += '\n';
  write_all(fd, text);
}

void SharedOutput::write_raw(int fd, std::string_view bytes) {
  write_all(fd, bytes);
  const size_t line_break = bytes.rfind('\n');
  if (line_break != bytes.npos) open_line_.clear();
  open_line_ += bytes.substr(line_break + 1);
  if (open_line_.size() > kLongestLine) open_line_.erase(0, open_line_.size() - kLongestLine);
}

RankOutput::RankOutput(SharedOutput& shared, const RankOutputOptions& options)
    : shared_(shared), options_(options), prefix_(format("[rank {}] ", options.rank)) {
  if (!options_.log_file) return;
  log_fd_ = ::open(options_.log_file->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_fd_ < 0) {
    throw UserError(
        format("{}: cannot write the log ({})", *options_.log_file, std::strerror(errno)));
  }
}

RankOutput::~RankOutput() {
  if (log_fd_ >= 0) ::close(log_fd_);
}

void RankOutput::take(int fd, std::string_view bytes) {
  if (options_.shown && options_.raw) shared_.write_raw(fd, bytes);
  std::string& open = open_lines_[fd];
  open += bytes;
  size_t begin = 0;
  for (size_t end = open.find('\n'); end != open.npos; end = open.find('\n', begin)) {
    take_line(fd, std::string_view(open).substr(begin, end - begin));
    begin = end + 1;
  }
  open.erase(0, begin);
  if (open.size() > kLongestLine) {
    take_line(fd, open);
    open.clear();
  }
}

void RankOutput::take_line(int fd, std::string_view line) {
  line = final_text(line);
  if (fd == STDERR_FILENO) remember(line);
  if (log_fd_ >= 0) write_all(log_fd_, std::string(line) + "\n");
  if (options_.shown && !options_.raw) shared_.write_line(fd, prefix_, line);
}

void RankOutput::remember(std::string_view line) {
  if (line.empty()) return;
  last_line_ = line;
  const bool begins = line.starts_with("error: ") || line.starts_with("internal error: ") ||
                      line.starts_with("terminate called");
  if (begins) {
    error_ = line;
    error_lines_ = 1;
  } else if (error_lines_ > 0 && error_lines_ < kLinesOfAnError) {
    error_ += "\n" + last_line_;
    ++error_lines_;
  }
}

void RankOutput::finish() {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (!open_lines_[fd].empty()) take_line(fd, open_lines_[fd]);
    open_lines_[fd].clear();
  }
}

std::string RankOutput::last_words() const { return error_.empty() ? last_line_ : error_; }

}  // namespace mentor
