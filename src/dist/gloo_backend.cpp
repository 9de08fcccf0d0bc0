#include "backend_communicator.h"

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>

namespace mentor {

BackendPtr make_gloo_backend(const BackendOptions& options) {
  const auto gloo = c10d::ProcessGroupGloo::Options::create(options.timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");  // as PyTorch has it
  gloo->devices.push_back(
      interface && *interface ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                              : c10d::ProcessGroupGloo::createDeviceForHostname(options.address));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(options.store, static_cast<int>(options.rank),
                                                     static_cast<int>(options.world_size), gloo);
}

}  // namespace mentor
