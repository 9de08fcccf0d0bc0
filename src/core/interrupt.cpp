#include "mentor/core/interrupt.h"

#include "mentor/core/error.h"

#include <atomic>
#include <csignal>

namespace mentor {
namespace {

std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler stores to it");

extern "C" void remember_signal(int signal) { received_signal.store(signal); }

}  // namespace

void watch_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember_signal;
  // SA_RESETHAND: the second signal finds the default action. SA_RESTART: reads and writes under
  // way are finished, not failed.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return received_signal.load() != 0; }

void throw_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

int interrupt_exit_code() {
  switch (received_signal.load()) {
    case 0:
      return kExitDone;
    case SIGTERM:
      return kExitTerminated;
    default:
      return kExitInterrupted;
  }
}

}  // namespace mentor
