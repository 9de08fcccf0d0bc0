#include "mentor/cli/commands.h"
#include "mentor/core/error.h"
#include "mentor/core/interrupt.h"
#include "mentor/dist/launcher.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <malloc.h>
#include <string>

namespace {

/// glibc gives every block above 32 MB to the kernel on free and faults it in again on the next
/// use; for tensors that costs more than the arithmetic. Keep freed memory.
void keep_freed_memory() {
  if (mallopt(M_MMAP_THRESHOLD, 1 << 30) == 0) mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

void print_error(const std::string& message) {
  const auto further_lines = std::count(message.begin(), message.end(), '\n');
  if (further_lines == 0) {
    std::fprintf(stderr, "error: %s\n", message.c_str());
  } else {
    std::fprintf(stderr, "error: %td problems:\n%s\n", further_lines + 1, message.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  mentor::end_with_launcher();
  keep_freed_memory();
  mentor::watch_interrupts();
  try {
    const int exit_code = mentor::run_program(argc, argv);
    return mentor::interrupted() ? mentor::interrupt_exit_code() : exit_code;
  } catch (const mentor::Interrupted&) {
    return mentor::interrupt_exit_code();
  } catch (const mentor::UserError& e) {
    print_error(e.what());
    return mentor::kExitUserError;
  } catch (const c10::Error& e) {
    std::fprintf(stderr, "internal error: %s\n", e.what_without_backtrace());
    return mentor::kExitInternalError;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "internal error: %s\n", e.what());
    return mentor::kExitInternalError;
  }
}
