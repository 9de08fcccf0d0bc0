#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/image/image.h"
#include "mentor/train/metrics.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace mentor {

/// One TensorBoard event file, events.out.tfevents.<time>.<host>.<pid>. TensorBoard shows all the
/// files of a folder as one run; a resumed run begins a new file, whose first events tell it to
/// forget what an earlier one logged after the step that was resumed.
///
/// Tags: loss/train, loss/validation, loss_by_task/<task>, validation_by_task/<task>,
/// optimizer/{lr,grad_norm}, speed/{samples_per_s,tokens_per_s,mfu,data_wait,memory_gib}.
/// As RunLog, it outlives a full disk: one loud message, and events wait until there is room.
class EventFile {
 public:
  /// Begins a file in `folder`, which is created. `resume_step` 0: a new run. Throws UserError when
  /// the folder cannot be written.
  EventFile(const fs::path& folder, int64_t resume_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  void add(const IntervalMetrics& metrics);
  void add(const ValidationMetrics& metrics);
  /// `png`: the content of a PNG file of `size` pixels.
  void add_picture(int64_t step, std::string_view tag, std::string_view png, ImageSize size);
  /// Shown as it is, in a fixed-width face.
  void add_text(int64_t step, std::string_view tag, std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mentor
