#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

namespace mentor {

struct ProgressOptions {
  std::string what;   // "decode"
  std::string unit;   // "tok"
  int64_t total = 0;  // 0: not known, so no share and no ETA

  std::ostream* out = nullptr;      // nullptr: standard error
  std::optional<bool> terminal;     // default: whether standard error is one
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
