#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

namespace mentor {

/// Whether standard error ends at a terminal: directly, or through `mentor launch`, which passes
/// rank 0's output on and then sets MENTOR_TERMINAL.
[[nodiscard]] bool terminal_shows_errors();

struct ProgressOptions {
  std::string what;   // "decode"
  std::string unit;   // "tok"
  int64_t total = 0;  // 0: not known, so no share and no ETA

  std::ostream* out = nullptr;      // nullptr: standard error
  std::optional<bool> terminal;     // default: terminal_shows_errors()
  std::function<double()> seconds;  // default: the steady clock
};

/// "decode 512/1024 tok, 50 %, 83.1 tok/s, ETA 6 s" on standard error: one line rewritten in
/// place on a terminal, otherwise a plain line every 5 s. Nothing for work that takes less than a
/// second, nor when the log shows no information. Any thread may advance it.
class Progress {
 public:
  explicit Progress(ProgressOptions options);
  ~Progress();  // finish()
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(int64_t count = 1);
  /// The last line: what was done, at what rate, in what time. Later calls do nothing.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mentor
