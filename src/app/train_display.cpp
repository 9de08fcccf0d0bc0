#include "train_display.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/image/image_io.h"

#include <cstdio>
#include <utility>

namespace mentor {

TrainDisplay::TrainDisplay(Options options)
    : options_(std::move(options)),
      log_(options_.folder, options_.resume_step),
      events_(options_.folder / "tensorboard", options_.resume_step),
      terminal_(terminal_shows_errors()) {
  if (terminal_) {
    progress_.emplace(ProgressOptions{
        .what = "train", .unit = "steps", .total = options_.total_steps - options_.resume_step});
  }
  events_.add_text(options_.resume_step, "configuration", options_.config);
}

void TrainDisplay::print(const std::string& line) {
  if (!log::shows(log::Level::kInfo)) return;
  // The progress bar is on the last line: overwrite it, it comes again with the next step.
  std::fprintf(stderr, terminal_ ? "\r\033[K%s\n" : "%s\n", line.c_str());
}

void TrainDisplay::step() {
  if (progress_) progress_->advance();
}

void TrainDisplay::show(const IntervalMetrics& metrics) {
  print(console_line(metrics));
  events_.add(metrics);
  if (++lines_ % options_.report_every == 0) write_report(RunState::kRunning);
}

void TrainDisplay::show(const ValidationMetrics& metrics) {
  print(console_line(metrics));
  events_.add(metrics);
}

void TrainDisplay::show_samples(int64_t step, const Image& sheet,
                                const std::vector<std::string>& captions) {
  const std::string name = format("samples/step_{:08d}.png", step);
  try {
    write_image(options_.folder / name, sheet);
    events_.add_picture(step, "samples", read_text(options_.folder / name), sheet.size());
  } catch (const UserError& error) {
    log::error("SAMPLES NOT SAVED: {}", error.what());
    return;
  }
  log_.add(RunPictures{.step = step, .file = name, .captions = captions});
  print(format("samples at step {}: {}", step, (options_.folder / name).string()));
}

void TrainDisplay::write_report(RunState state, const std::string& message) {
  try {
    mentor::write_report(options_.folder, log_.records(),
                         {.state = state, .message = message, .sections = options_.sections});
  } catch (const UserError& error) {
    log::error("REPORT NOT WRITTEN: {}", error.what());
  }
}

}  // namespace mentor
