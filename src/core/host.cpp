#include "mentor/core/host.h"

#include <unistd.h>

namespace mentor {

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
}

}  // namespace mentor
