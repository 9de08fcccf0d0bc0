#include "mentor/core/progress.h"

#include "mentor/core/format.h"
#include "mentor/core/log.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <unistd.h>

namespace mentor {
namespace {

constexpr double kSilentSeconds = 1.0;
constexpr double kTerminalInterval = 0.1;
constexpr double kPlainInterval = 5.0;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string duration(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (seconds < 10) return format("{:.1f} s", seconds);
  if (whole < 60) return format("{} s", whole);
  if (whole < 3600) return format("{} min {:02} s", whole / 60, whole % 60);
  return format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace

bool terminal_shows_errors() {
  const char* through_launcher = std::getenv("MENTOR_TERMINAL");
  return ::isatty(STDERR_FILENO) == 1 || (through_launcher && *through_launcher);
}

struct Progress::State {
  ProgressOptions options;
  double start = 0;
  bool silent = false;
  std::atomic<int64_t> done{0};

  std::mutex mutex;       // guards what follows and the output
  double last_shown = 0;  // seconds after start
  bool finished = false;

  [[nodiscard]] std::string line(int64_t count, double elapsed, bool final) const {
    std::string text = options.total > 0
                           ? format("{} {}/{} {}, {} %", options.what, count, options.total,
                                    options.unit, 100 * count / options.total)
                           : format("{} {} {}", options.what, count, options.unit);
    const double rate = static_cast<double>(count) / elapsed;
    text += format(rate < 100 ? ", {:.1f} {}/s" : ", {:.0f} {}/s", rate, options.unit);
    if (final) return text + ", " + duration(elapsed);
    if (options.total > 0 && count > 0 && count <= options.total) {
      text += ", ETA " + duration(static_cast<double>(options.total - count) / rate);
    }
    return text;
  }

  /// On a terminal the line replaces the one before; ESC[K clears what is left of it.
  void show(const std::string& text, bool final) {
    if (*options.terminal) {
      *options.out << '\r' << text << "\x1b[K" << (final ? "\n" : "") << std::flush;
    } else {
      *options.out << text << std::endl;
    }
  }
};

Progress::Progress(ProgressOptions options) : state_(std::make_unique<State>()) {
  if (!options.out) options.out = &std::cerr;
  if (!options.terminal) options.terminal = terminal_shows_errors();
  if (!options.seconds) options.seconds = steady_seconds;
  state_->options = std::move(options);
  state_->start = state_->options.seconds();
  state_->silent = !log::shows(log::Level::kInfo);
}

Progress::~Progress() { finish(); }

void Progress::advance(int64_t count) {
  const int64_t done = state_->done.fetch_add(count) + count;
  if (state_->silent) return;
  const double elapsed = state_->options.seconds() - state_->start;
  if (elapsed < kSilentSeconds) return;
  // A thread that finds another one writing has nothing to add.
  const std::unique_lock lock(state_->mutex, std::try_to_lock);
  if (!lock || state_->finished) return;
  const double interval = *state_->options.terminal ? kTerminalInterval : kPlainInterval;
  if (elapsed - state_->last_shown < interval) return;
  state_->last_shown = elapsed;
  state_->show(state_->line(done, elapsed, /*final=*/false), /*final=*/false);
}

void Progress::finish() {
  const std::lock_guard lock(state_->mutex);
  if (state_->finished) return;
  state_->finished = true;
  const double elapsed = state_->options.seconds() - state_->start;
  if (state_->silent || elapsed < kSilentSeconds) return;
  state_->show(state_->line(state_->done.load(), elapsed, /*final=*/true), /*final=*/true);
}

}  // namespace mentor
