#pragma once

#include "rendezvous.h"

#include <c10/core/ScalarType.h>
#include <torch/csrc/distributed/c10d/Work.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace mentor {

/// What a rank does together with the others.
struct Collective {
  const char* name = "";
  int64_t numel = 0;
  c10::ScalarType dtype = c10::ScalarType::Undefined;

  [[nodiscard]] std::string string() const;
};

/// Knows how the other ranks are. One thread exchanges a short record with them through the store,
/// another one watches for a rank that is gone, failed, or keeps this one waiting; it ends the
/// process when the main thread cannot be told (because it waits for a GPU, for example).
class PeerMonitor {
 public:
  PeerMonitor(const Rendezvous& rendezvous, int64_t rank, std::chrono::milliseconds timeout);
  ~PeerMonitor() { close(); }
  PeerMonitor(const PeerMonitor&) = delete;
  PeerMonitor& operator=(const PeerMonitor&) = delete;

  /// A collective begins. Throws RankFailure when a rank is known to be gone.
  void enter(const Collective& collective);
  /// Its operation, which is expected to end within the time-out.
  void track(c10::intrusive_ptr<c10d::Work> work);
  /// Forgets the operations that have ended, and with them their tensors. `ended`: one of which
  /// that is known, though its backend may never say so.
  void settle(const c10d::Work* ended = nullptr);
  /// An operation failed with `what`: finds out because of which rank, throws RankFailure.
  [[noreturn]] void explain(std::string_view what);
  /// Tells the others that this rank ends because of `message`.
  void announce_failure(std::string_view message) noexcept;
  /// The end of this rank, a normal one unless there was a failure: tells the others, and waits for
  /// theirs where they need this process (it serves the store). False after a failure.
  bool close() noexcept;

  struct State;

 private:
  std::shared_ptr<State> state_;  // shared with the threads: one may be stuck in the store
};

}  // namespace mentor
