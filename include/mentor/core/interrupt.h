#pragma once

#include <exception>

namespace mentor {

/// Thrown by throw_if_interrupted(); main() turns it into exit code 130 or 143.
class Interrupted : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

/// From here on the first SIGINT or SIGTERM only raises a flag, so that work stops at a clean
/// point; the second one ends the process at once.
void watch_interrupts();

/// Whether SIGINT or SIGTERM has come. Loops with something to save ask this and leave.
[[nodiscard]] bool interrupted();

/// For loops that have nothing to save.
void throw_if_interrupted();

/// kExitInterrupted or kExitTerminated by the signal that came; kExitDone when none did.
[[nodiscard]] int interrupt_exit_code();

}  // namespace mentor
