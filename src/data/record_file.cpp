#include "mentor/core/format.h"
#include "mentor/data/record.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace mentor {
namespace {

constexpr size_t kBlock = 1 << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Reads up to `size` bytes; fewer only at the end of the file.
size_t read_at(int fd, char* out, size_t size, uint64_t offset, const fs::path& file) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw DataError(format("{}: cannot read: {}", file, std::strerror(errno)));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

std::shared_ptr<const int> open_file(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw DataError(format("{}: cannot open: {}", file, std::strerror(errno)));
  return {new int(fd), [](const int* open) {
            ::close(*open);
            delete open;
          }};
}

}  // namespace

RecordFile::RecordFile(const fs::path& file) : file_(file) {
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) throw DataError(format("{}: is a folder, not a file", file));
  descriptor_ = open_file(file);
  std::string block(kBlock, '\0');
  uint64_t line_begin = 0, offset = 0;
  uint32_t number = 0;
  bool blank = true;
  const auto end_line = [&](uint64_t end) {
    ++number;
    if (!blank) lines_.push_back({line_begin, static_cast<uint32_t>(end - line_begin), number});
    line_begin = end + 1;
    blank = true;
  };
  for (size_t got = 0; (got = read_at(*descriptor_, block.data(), kBlock, offset, file)) > 0;) {
    std::string_view rest(block.data(), got);
    for (uint64_t begin = offset; !rest.empty();) {  // memchr: a file has gigabytes
      const size_t end = rest.find('\n');
      const std::string_view part = rest.substr(0, end);
      blank = blank && part.find_first_not_of(" \t\r") == std::string_view::npos;
      if (end == std::string_view::npos) break;
      end_line(begin + end);
      rest.remove_prefix(end + 1);
      begin += end + 1;
    }
    offset += got;
  }
  if (!blank) end_line(offset);
  if (!lines_.empty() && line(0).starts_with(kByteOrderMark)) {
    lines_.front().offset += kByteOrderMark.size();
    lines_.front().length -= static_cast<uint32_t>(kByteOrderMark.size());
  }
  if (lines_.empty()) throw DataError(format("{}: holds no record", file));
}

std::string RecordFile::line(int64_t index) const {
  const Line& place = lines_.at(static_cast<size_t>(index));
  std::string text(place.length, '\0');
  text.resize(read_at(*descriptor_, text.data(), text.size(), place.offset, file_));
  return text;
}

std::string RecordFile::where(int64_t index) const {
  return format("{}:{}", file_, lines_.at(static_cast<size_t>(index)).number);
}

Record RecordFile::record(int64_t index) const {
  return parse_record(line(index), where(index), file_.parent_path());
}

}  // namespace mentor
