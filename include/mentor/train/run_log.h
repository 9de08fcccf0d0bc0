#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/train/metrics.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

enum class EventKind { kResumed, kCheckpoint, kSkippedStep, kWarning, kEnd };

/// "resumed", "checkpoint", "skipped_step", "warning", "end": the word in metrics.jsonl.
[[nodiscard]] std::string_view event_name(EventKind kind);

/// Something that happened once in a run.
struct RunEvent {
  int64_t step = 0;
  EventKind kind = EventKind::kWarning;
  std::string text;  // "checkpoints/step_00002000 saved"
};

/// A picture file with sample grids (sample_grid.h) that the run wrote.
struct RunPictures {
  int64_t step = 0;
  std::string file;  // relative to the run folder
  std::vector<std::string> captions;
};

/// What metrics.jsonl holds, by kind, each in the order of the file.
struct RunRecords {
  std::vector<IntervalMetrics> train;
  std::vector<ValidationMetrics> validation;
  std::vector<RunEvent> events;
  std::vector<RunPictures> pictures;
};

/// Reads a metrics.jsonl. A half-written last line is left out; any other line that is not a
/// record is a DataError naming file:line.
[[nodiscard]] RunRecords read_metrics(const fs::path& file);

/// Owner of metrics.jsonl in a run folder: one JSON object per line, each line written with one
/// call as soon as it is added. What depends on the clock or the machine is in the object "speed"
/// of a line; without it the "train" and "validation" lines of a resumed run equal those of an
/// uninterrupted one.
class RunLog {
 public:
  /// `resume_step` 0 begins an empty file. Another value keeps the lines up to that step and drops
  /// the rest, a half-written one too; the file is replaced whole. Throws UserError when the file
  /// cannot be written.
  RunLog(const fs::path& folder, int64_t resume_step);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// These never fail: when the disk is full, one loud message, and the lines are kept in memory
  /// until one of the next calls can write them.
  void add(const IntervalMetrics& metrics);
  void add(const ValidationMetrics& metrics);
  void add(const RunEvent& event);
  void add(const RunPictures& pictures);

  /// Everything since the beginning of the run, as read_metrics() would give it.
  [[nodiscard]] const RunRecords& records() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mentor
