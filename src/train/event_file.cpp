#include "mentor/train/event_file.h"

#include "append_file.h"
#include "mentor/core/format.h"
#include "mentor/core/host.h"
#include "protobuf_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <unistd.h>

namespace mentor {
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";

// --- Records: length, its checksum, content, its checksum --------------------------------------

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}();

/// CRC-32C, masked as record files have it: a checksum of checksums would be weak.
uint32_t masked_crc(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ crc >> 8;
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

template <class T>
std::string little_endian(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

std::string record(const std::string& content) {
  const std::string length = little_endian<uint64_t>(content.size());
  return length + little_endian(masked_crc(length)) + content + little_endian(masked_crc(content));
}

// --- Events; the field numbers are those of TensorBoard's event.proto and summary.proto --------

double now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

ProtobufWriter event(int64_t step) {
  ProtobufWriter event;
  event.real64(1, now());
  if (step != 0) event.integer(2, step);  // 0 is what a missing step means
  return event;
}

std::string version_record() { return record(event(0).bytes(3, "brain.Event:2").text()); }

/// "A session starts": TensorBoard forgets what it has read from this step on.
std::string restart_record(int64_t first_step) {
  constexpr int64_t kStart = 1;
  return record(event(first_step).message(7, ProtobufWriter().integer(1, kStart)).text());
}

std::string summary_record(int64_t step, const ProtobufWriter& summary) {
  return record(event(step).message(5, summary).text());
}

/// Scalars of one step; those without a value (NaN: a task without samples) are left out.
class Scalars {
 public:
  void add(std::string_view tag, double value) {
    if (std::isnan(value)) return;
    summary_.message(1, ProtobufWriter().bytes(1, tag).real32(2, static_cast<float>(value)));
  }
  void add_tasks(std::string_view group, const std::map<std::string, double>& task_loss) {
    for (const auto& [task, loss] : task_loss) add(format("{}/{}", group, task), loss);
  }
  [[nodiscard]] std::string record(int64_t step) const { return summary_record(step, summary_); }

 private:
  ProtobufWriter summary_;
};

// --- The file's name
// ------------------------------------------------------------------------------

/// The time in the name of an event file; none for other files.
std::optional<int64_t> time_in_name(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t time = 0;
  const char* begin = name.data() + kPrefix.size();
  if (std::from_chars(begin, name.data() + name.size(), time).ec != std::errc()) {
    return std::nullopt;
  }
  return time;
}

/// The latest time in a name of the folder. A new file must sort behind the others, also when it
/// is begun in the same second or by a machine whose clock is behind.
std::optional<int64_t> latest_time(const fs::path& folder) {
  std::optional<int64_t> latest;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    latest = std::max(latest, time_in_name(entry.path().filename().string()));
  }
  return latest;
}

std::string file_name(std::optional<int64_t> latest) {
  int64_t time = static_cast<int64_t>(now());
  if (latest) time = std::max(time, *latest + 1);
  return format("{}{:010}.{}.{}", kPrefix, time, host_name(), ::getpid());
}

}  // namespace

struct EventFile::State {
  AppendFile file;
};

EventFile::EventFile(const fs::path& folder, int64_t resume_step) {
  require_writable_directory(folder);
  const std::optional<int64_t> latest = latest_time(folder);
  state_.reset(new State{AppendFile(folder / file_name(latest))});
  std::string start = version_record();
  if (latest) start += restart_record(resume_step == 0 ? 0 : resume_step + 1);
  state_->file.append(start);
}

EventFile::~EventFile() = default;

void EventFile::add(const IntervalMetrics& m) {
  Scalars scalars;
  scalars.add("loss/train", m.loss);
  scalars.add_tasks("loss_by_task", m.task_loss);
  scalars.add("optimizer/lr", m.lr);
  scalars.add("optimizer/grad_norm", m.grad_norm);
  scalars.add("speed/samples_per_s", m.samples_per_s);
  scalars.add("speed/tokens_per_s", m.tokens_per_s);
  if (m.mfu) scalars.add("speed/mfu", *m.mfu);
  scalars.add("speed/data_wait", m.data_wait);
  scalars.add("speed/memory_gib", m.memory_gib);
  state_->file.append(scalars.record(m.step));
}

void EventFile::add(const ValidationMetrics& m) {
  Scalars scalars;
  scalars.add("loss/validation", m.loss);
  scalars.add_tasks("validation_by_task", m.task_loss);
  state_->file.append(scalars.record(m.step));
}

void EventFile::add_picture(int64_t step, std::string_view tag, std::string_view png,
                            ImageSize size) {
  constexpr int64_t kRgb = 3;
  const auto image = ProtobufWriter()
                         .integer(1, size.height)
                         .integer(2, size.width)
                         .integer(3, kRgb)
                         .bytes(4, png);
  const auto value = ProtobufWriter().bytes(1, tag).message(4, image);
  state_->file.append(summary_record(step, ProtobufWriter().message(1, value)));
}

void EventFile::add_text(int64_t step, std::string_view tag, std::string_view text) {
  constexpr int64_t kString = 7, kTensorClass = 2;
  // TensorBoard reads Markdown: four spaces make a block that is shown as it is.
  std::string block = "    ";
  for (const char c : text) {
    block += c;
    if (c == '\n') block += "    ";
  }
  const auto plugin = ProtobufWriter().bytes(1, "text");
  const auto metadata = ProtobufWriter().message(1, plugin).integer(4, kTensorClass);
  const auto tensor =
      ProtobufWriter().integer(1, kString).message(2, ProtobufWriter()).bytes(8, block);
  const auto value = ProtobufWriter().bytes(1, tag).message(8, tensor).message(9, metadata);
  state_->file.append(summary_record(step, ProtobufWriter().message(1, value)));
}

}  // namespace mentor
