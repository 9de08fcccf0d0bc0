#pragma once

#include "mentor/core/progress.h"
#include "mentor/image/image.h"
#include "mentor/train/event_file.h"
#include "mentor/train/report.h"
#include "mentor/train/run_log.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// What people see of a run while it runs: lines and a progress bar on standard error, files for
/// TensorBoard, the report. Of rank 0.
class TrainDisplay {
 public:
  struct Options {
    fs::path folder;
    int64_t resume_step = 0, total_steps = 0;
    int64_t report_every = 10;            // lines
    std::string config;                   // YAML
    std::vector<ReportSection> sections;  // of the report
  };
  explicit TrainDisplay(Options options);

  [[nodiscard]] RunLog& log() { return log_; }
  void step();
  void show(const IntervalMetrics& metrics);
  void show(const ValidationMetrics& metrics);
  void show_samples(int64_t step, const Image& sheet, const std::vector<std::string>& captions);
  void write_report(RunState state, const std::string& message = "");

 private:
  void print(const std::string& line);

  Options options_;
  RunLog log_;
  EventFile events_;
  int64_t lines_ = 0;
  bool terminal_;
  std::optional<Progress> progress_;  // on a terminal; elsewhere the lines say how far it is
};

}  // namespace mentor
