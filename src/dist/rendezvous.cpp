#include "rendezvous.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/host.h"
#include "mentor/core/interrupt.h"
#include "sockets.h"

#include <c10/util/Exception.h>
#include <c10/util/Flags.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <cstdlib>
#include <thread>
#include <unistd.h>

C10_DECLARE_int(caffe2_log_level);

namespace mentor {
namespace {

using Clock = std::chrono::steady_clock;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

constexpr auto kPollInterval = std::chrono::milliseconds(50);
constexpr size_t kMostNamed = 8;

/// c10d reports every lost connection with a C++ stack; our messages say it in words.
void quieten_c10d() {
  constexpr int kNothing = 4;
  if (!std::getenv("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = kNothing;
}

StorePtr open_store(const ProcessEnvironment& environment, std::optional<int> listening,
                    std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = environment.master_port;
  options.isServer = listening.has_value();
  options.waitWorkers = false;
  options.masterListenFd = listening;
  options.timeout = timeout;
  try {
    return c10::make_intrusive<c10d::TCPStore>(environment.master_address, options);
  } catch (const c10::Error& error) {
    throw UserError(format("{}: cannot join the run ({}); is another program at that port?",
                           environment.master(), first_line(error.what_without_backtrace())));
  }
}

std::string key(int64_t rank) { return format("rank/{}", rank); }

/// "1, 2, 5 and 12 more".
std::string list_ranks(const std::vector<int64_t>& ranks) {
  std::string text;
  for (size_t i = 0; i < ranks.size() && i < kMostNamed; ++i) {
    text += format("{}{}", i == 0 ? "" : ", ", ranks[i]);
  }
  if (ranks.size() > kMostNamed) text += format(" and {} more", ranks.size() - kMostNamed);
  return text;
}

std::vector<int64_t> missing_ranks(c10d::Store& store, int64_t world_size) {
  std::vector<int64_t> missing;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    if (!store.check({key(rank)})) missing.push_back(rank);
  }
  return missing;
}

void wait_for_all(c10d::Store& store, const ProcessEnvironment& environment,
                  std::chrono::milliseconds timeout) {
  std::vector<std::string> keys;
  for (int64_t rank = 0; rank < environment.world_size; ++rank) keys.push_back(key(rank));
  const Clock::time_point deadline = Clock::now() + timeout;
  while (!store.check(keys)) {
    throw_if_interrupted();
    if (Clock::now() > deadline) {
      const std::vector<int64_t> missing = missing_ranks(store, environment.world_size);
      if (missing.empty()) return;
      throw UserError(format(
          "{} of {} ranks did not come to {} within {} s: {} {}; look at their output, and whether "
          "their machines reach that address",
          missing.size(), environment.world_size, environment.master(),
          std::chrono::duration<double>(timeout).count(), missing.size() == 1 ? "rank" : "ranks",
          list_ranks(missing)));
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

void check_worlds_agree(const std::vector<RankIdentity>& ranks,
                        const ProcessEnvironment& environment) {
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    if (ranks[rank].world_size == environment.world_size) continue;
    throw UserError(
        format("{} was started as one of {} ranks, rank {} as one of {}; give every "
               "machine the same number of nodes and processes",
               name_rank(static_cast<int64_t>(rank), ranks[rank]), ranks[rank].world_size,
               environment.rank, environment.world_size));
  }
}

/// Where others connect to this rank. The way to a master on this very machine may lead over the
/// loopback, which no other machine can use: then the way to one of those counts.
std::string own_address(const std::vector<RankIdentity>& ranks, int64_t rank) {
  const RankIdentity& own = ranks[static_cast<size_t>(rank)];
  if (!is_loopback(own.address)) return own.address;
  for (const RankIdentity& other : ranks) {
    if (other.host != own.host && !is_loopback(other.address))
      return address_towards(other.address);
  }
  return own.address;
}

Rendezvous exchange(const ProcessEnvironment& environment, StorePtr store,
                    std::chrono::milliseconds timeout) {
  const int64_t rank = environment.rank;
  const std::string prefix = "mentor/" + environment.store_prefix;
  const auto meeting = c10::make_intrusive<c10d::PrefixStore>(prefix + "meeting", store);
  if (meeting->add(format("arrived/{}", rank), 1) != 1) {
    throw UserError(
        format("{}: rank {} is there already; another run uses this port, or two nodes "
               "have the same --node-rank",
               environment.master(), rank));
  }
  const RankIdentity own{.host = host_name(),
                         .pid = ::getpid(),
                         .address = address_towards(environment.master_address),
                         .world_size = environment.world_size};
  Rendezvous rendezvous;
  rendezvous.monitor_store = c10::make_intrusive<c10d::PrefixStore>(
      prefix + "monitor", open_store(environment, std::nullopt, timeout));
  // Before the arrival is told: whoever has met can read the records of all.
  rendezvous.monitor_store->set(format("{}", rank), PeerRecord().encode());
  meeting->c10d::Store::set(key(rank), own.encode());
  wait_for_all(*meeting, environment, timeout);

  for (int64_t other = 0; other < environment.world_size; ++other) {
    rendezvous.ranks.push_back(RankIdentity::decode(meeting->get_to_str(key(other))));
  }
  check_worlds_agree(rendezvous.ranks, environment);
  rendezvous.backend_store = c10::make_intrusive<c10d::PrefixStore>(prefix + "backend", store);
  rendezvous.address = own_address(rendezvous.ranks, rank);
  return rendezvous;
}

}  // namespace

Rendezvous meet(const ProcessEnvironment& environment, std::chrono::milliseconds timeout) {
  quieten_c10d();
  const bool serves = environment.rank == 0 && !environment.agent_serves_store;
  std::optional<int> listening;
  if (serves) {
    listening = environment.listening_socket ? *environment.listening_socket
                                             : listen_on(environment.master_port).fd;
  }
  wait_for_server(environment.master_address, environment.master_port, timeout,
                  "is rank 0 running, and is this the address of its machine?");
  const StorePtr store = open_store(environment, listening, timeout);
  Rendezvous rendezvous;
  try {
    rendezvous = exchange(environment, store, timeout);
  } catch (const c10::DistError&) {
    throw UserError(
        format("{}: {} ended while this rank waited for the others; its output says why",
               environment.master(), environment.agent_serves_store ? "torchrun" : "rank 0"));
  }
  rendezvous.serves_store = serves;
  rendezvous.store_owner = environment.agent_serves_store
                               ? "torchrun's agent at " + environment.master()
                               : name_rank(0, rendezvous.ranks.front());
  return rendezvous;
}

}  // namespace mentor
