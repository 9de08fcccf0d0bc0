#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// Figures of one logging interval of a run.
struct IntervalMetrics {
  int64_t step = 0, total_steps = 0;
  double epoch = 0;
  int64_t samples = 0;  // seen in the whole run
  int64_t tokens = 0;   // prompt and image tokens, whole run
  double loss = 0;      // mean over the interval: per image token, where codes are predicted
  /// The same by task name, or the terms of the loss. Name all of the run each time, so that the
  /// columns stay: NaN means that the interval had no sample of the task.
  std::map<std::string, double> task_loss;
  double grad_norm = 0, lr = 0;
  double samples_per_s = 0, tokens_per_s = 0;
  std::optional<double> mfu;  // share of the device's peak
  double data_wait = 0;       // share of the interval's time
  double memory_gib = 0;
  double seconds = 0;  // of the interval
  double eta_s = 0;
  int64_t skipped_steps = 0, bad_records = 0;  // whole run
};

/// Figures of one pass over the held-out records.
struct ValidationMetrics {
  int64_t step = 0;
  double loss = 0;
  std::map<std::string, double> task_loss;  // by task name, or the terms of the loss
  int64_t samples = 0;
  double seconds = 0;
};

/// The names in the order in which people see them: the tasks we know first, in the order of the
/// paper, then the others.
[[nodiscard]] std::vector<std::string> ordered_tasks(const std::map<std::string, double>& by_task);

/// Whether all names are of tasks, whose losses can be compared; else they are terms of a loss.
[[nodiscard]] bool are_tasks(const std::map<std::string, double>& by_name);

/// "text_to_image" -> "t2i", for narrow columns; an unknown name stays as it is.
[[nodiscard]] std::string short_task_name(std::string_view task);

/// One line whose columns stay where they are as long as total_steps and the tasks do:
///   step  1200/31250 | loss 6.8412 | grad  0.93 | lr 2.10e-04 | 41.2k tok/s | 30.62 smp/s |
///   mfu 38.1% | data  0.4% | mem 61.2 GiB | eta  8h12m | t2i 6.9102 subj 6.7013
/// (in one line; without mfu where it is not known). Skipped steps and bad records follow once
/// there are any.
[[nodiscard]] std::string console_line(const IntervalMetrics& metrics);

/// validation at step 1200 | loss 6.9021 | t2i 6.9102 subj 6.7013 | 500 samples in 12 s
[[nodiscard]] std::string console_line(const ValidationMetrics& metrics);

/// "42s", "12m30s", "8h12m", "3d04h"; "?" where it is not known (negative or not finite).
[[nodiscard]] std::string short_duration(double seconds);

}  // namespace mentor
