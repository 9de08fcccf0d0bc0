#include "mentor/core/error.h"
#include "mentor/core/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

namespace mentor {
namespace {

/// In a process of its own, since the flag stays raised.
void expect_exit_code(int signal, int exit_code) {
  EXPECT_EXIT(
      {
        watch_interrupts();
        if (interrupted() || interrupt_exit_code() != kExitDone) std::exit(99);
        std::raise(signal);
        try {
          throw_if_interrupted();
        } catch (const Interrupted&) {
          std::exit(interrupt_exit_code());
        }
      },
      testing::ExitedWithCode(exit_code), "");
}

TEST(Interrupt, TheFirstSignalRaisesAFlag) {
  expect_exit_code(SIGINT, kExitInterrupted);
  expect_exit_code(SIGTERM, kExitTerminated);
}

TEST(Interrupt, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        watch_interrupts();
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace mentor
