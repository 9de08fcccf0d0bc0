#pragma once

#include "mentor/dist/process_environment.h"
#include "peer_record.h"

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace mentor {

/// All ranks of a run, which have found each other at the store.
struct Rendezvous {
  c10::intrusive_ptr<c10d::Store> backend_store;  // for the process group
  c10::intrusive_ptr<c10d::Store> monitor_store;  // a connection of its own, for the monitor
  std::vector<RankIdentity> ranks;
  std::string store_owner;    // for messages: "rank 0 (...)", or torchrun's agent
  bool serves_store = false;  // whether this process does
  std::string address;        // where the other ranks can connect to this one
};

/// Meets the other ranks. Throws a UserError: port in use, master unreachable, ranks that did not
/// come within `timeout`, or that came twice.
[[nodiscard]] Rendezvous meet(const ProcessEnvironment& environment,
                              std::chrono::milliseconds timeout);

}  // namespace mentor
