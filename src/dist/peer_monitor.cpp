#include "peer_monitor.h"

#include "mentor/core/format.h"
#include "mentor/dist/communicator.h"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mentor {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kShortestBeat(50);
constexpr Milliseconds kLongestBeat(500);
constexpr int kBeatsPerTimeout = 12;
constexpr int kMissedBeats = 6;        // are a death, where something else is wrong as well
constexpr int64_t kRanksPerBeat = 64;  // larger worlds exchange less often, to spare the store
constexpr Milliseconds kWatchInterval(100);
constexpr Milliseconds kThrowGrace(5000);    // for a main thread that waits in an operation
constexpr Milliseconds kPublishGrace(1500);  // for the last record to reach the store

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string key(size_t rank) { return format("{}", rank); }

struct Outstanding {
  c10::intrusive_ptr<c10d::Work> work;
  Clock::time_point since = Clock::now();
};

std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const c10::Error& error) {
    return first_line(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return first_line(error.what());
  }
}

/// How an operation ended: "" well, or why not; nothing while it is under way. After an error of
/// the GPU even asking throws.
std::optional<std::string> end_of(c10d::Work& work) {
  try {
    if (!work.isCompleted()) return std::nullopt;
    const std::exception_ptr failure = work.exception();
    return failure ? text_of(failure) : "";
  } catch (const std::exception&) {
    return text_of(std::current_exception());
  }
}

}  // namespace

std::string Collective::string() const {
  if (dtype == c10::ScalarType::Undefined) return name;
  return format("{} of {} {}", name, numel, c10::toString(dtype));
}

struct PeerMonitor::State {
  c10::intrusive_ptr<c10d::Store> store;
  int64_t rank = 0;
  Milliseconds timeout{};
  Milliseconds beat = kLongestBeat;
  std::string store_owner;
  bool serves_store = false;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  PeerRecord own;
  Collective collective;  // formatted only when it is told
  std::vector<PeerView> peers;
  std::vector<Clock::time_point> last_beats;
  std::vector<Outstanding> outstanding;
  Clock::time_point last_exchange = Clock::now();
  PeerState published = PeerState::kRunning;
  bool store_lost = false;
  std::string broken;  // what an operation failed with
  bool broken_by_time = false;
  Clock::time_point broken_since;
  std::string failure;  // the verdict
  Clock::time_point failed_since;
  bool closing = false;
  bool exchange_ended = false;
  bool watch_ended = false;

  void exchange_loop();
  void watch_loop();
  void exchange_once();
  void settle(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::string verdict();
  [[nodiscard]] double oldest_seconds() const;
  [[nodiscard]] double missed_seconds() const {
    return std::chrono::duration<double>(beat).count() * kMissedBeats;
  }
  /// Nothing that it could still be told is worth waiting for.
  [[nodiscard]] bool store_is_gone() const {
    return exchange_ended || seconds_since(last_exchange) > missed_seconds();
  }
  void refresh_silence();
  void fail(const std::string& message);
  void wait_until_told(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool others_ended();
};

void PeerMonitor::State::exchange_once() {
  PeerRecord record;
  {
    const std::lock_guard lock(mutex);
    ++own.beat;
    own.operation = collective.string();
    record = own;
  }
  std::vector<std::string> keys;
  for (size_t i = 0; i < peers.size(); ++i) keys.push_back(key(i));
  store->c10d::Store::set(key(static_cast<size_t>(rank)), record.encode());
  const std::vector<std::vector<uint8_t>> values = store->multiGet(keys);
  const std::lock_guard lock(mutex);
  last_exchange = Clock::now();
  published = record.state;
  for (size_t i = 0; i < peers.size(); ++i) {
    PeerRecord told =
        PeerRecord::decode({reinterpret_cast<const char*>(values[i].data()), values[i].size()});
    if (told.beat > peers[i].record.beat) last_beats[i] = last_exchange;
    peers[i].record = std::move(told);
  }
  changed.notify_all();
}

void PeerMonitor::State::exchange_loop() {
  bool last = false;
  while (!last) {
    {
      std::unique_lock lock(mutex);
      changed.wait_for(lock, beat, [this] { return closing || own.state != published; });
      last = closing;
    }
    try {
      exchange_once();
    } catch (const std::exception&) {
      const std::lock_guard lock(mutex);
      store_lost = true;
      last = true;
    }
  }
  const std::lock_guard lock(mutex);
  exchange_ended = true;
  changed.notify_all();
}

/// Takes out the operations that have ended. A GPU is asked without the mutex: the driver may keep
/// its answer back while another thread waits for the GPU, and heartbeats must not wait with it.
void PeerMonitor::State::settle(std::unique_lock<std::mutex>& lock) {
  const std::vector<Outstanding> asked = outstanding;
  lock.unlock();
  std::vector<const c10d::Work*> ended;
  std::string problem;
  for (const Outstanding& operation : asked) {
    const std::optional<std::string> end = end_of(*operation.work);
    if (!end) continue;
    ended.push_back(operation.work.get());
    if (problem.empty()) problem = *end;
  }
  lock.lock();
  std::erase_if(outstanding, [&ended](const Outstanding& operation) {
    return std::ranges::find(ended, operation.work.get()) != ended.end();
  });
  if (problem.empty() || !broken.empty()) return;
  broken = problem;
  broken_since = Clock::now();
}

double PeerMonitor::State::oldest_seconds() const {
  double oldest = 0;
  for (const Outstanding& operation : outstanding) {
    oldest = std::max(oldest, seconds_since(operation.since));
  }
  return oldest;
}

void PeerMonitor::State::refresh_silence() {
  for (size_t i = 0; i < peers.size(); ++i) {
    peers[i].silent_seconds = seconds_since(last_beats[i]);
  }
}

/// Why this rank cannot go on; "" when it can, or when that is still to be found out.
std::string PeerMonitor::State::verdict() {
  const double limit = std::chrono::duration<double>(timeout).count();
  const double missed = missed_seconds();
  const double oldest = oldest_seconds();
  const bool timed_out = oldest > limit || broken_by_time;
  Symptom symptom = Symptom::kNone;
  if (!broken.empty()) symptom = Symptom::kBroken;
  if (timed_out) symptom = Symptom::kTimeout;
  if (store_lost) {
    return format("{} ended, where the ranks meet{}", store_owner,
                  serves_store ? "" : ": its own output may say why");
  }
  if (seconds_since(last_exchange) > (symptom == Symptom::kNone ? limit : missed)) {
    return format(
        "{}, where the ranks meet, does not answer for {:.1f} s: it was stopped, or its "
        "machine is gone",
        store_owner, seconds_since(last_exchange));
  }
  refresh_silence();
  own.operation = collective.string();
  const std::optional<std::string> cause = find_cause({.symptom = symptom,
                                                       .rank = rank,
                                                       .own = own,
                                                       .peers = peers,
                                                       .waited_seconds = std::max(oldest, limit),
                                                       .missed_seconds = missed,
                                                       .timeout_seconds = limit});
  if (cause) return *cause;
  const bool looked =
      symptom != Symptom::kNone &&
      (broken.empty() ? oldest > limit + missed : seconds_since(broken_since) > missed + 1);
  if (!looked) return "";
  if (timed_out) {
    return format(
        "collective {} ({}) did not end within {:.0f} s, though every rank has entered "
        "it: is the network slower than the time-out allows?",
        own.entered, own.operation, limit);
  }
  return format(
      "the connection to another rank was lost in collective {} ({}), though every rank "
      "answers: {}",
      own.entered, own.operation, broken);
}

void PeerMonitor::State::fail(const std::string& message) {
  if (!failure.empty()) return;
  failure = message;
  failed_since = Clock::now();
  if (own.state == PeerState::kRunning) {
    own.state = PeerState::kStopped;
    own.message = first_line(message);
  }
  changed.notify_all();
}

void PeerMonitor::State::watch_loop() {
  std::unique_lock lock(mutex);
  while (!closing) {
    changed.wait_for(lock, kWatchInterval, [this] { return closing; });
    if (closing) break;
    settle(lock);
    if (own.state == PeerState::kDone || own.state == PeerState::kFailed) continue;
    if (failure.empty()) {
      const std::string found = verdict();
      if (!found.empty()) fail(found);
      continue;
    }
    // Without an operation the main thread computes, and will throw at its next one.
    const Milliseconds grace = outstanding.empty() && broken.empty() ? timeout : kThrowGrace;
    if (Clock::now() - failed_since < grace) continue;
    std::fprintf(stderr, "error: %s\n", failure.c_str());
    ::_exit(kExitUserError);
  }
  watch_ended = true;
  changed.notify_all();
}

void PeerMonitor::State::wait_until_told(std::unique_lock<std::mutex>& lock) {
  changed.notify_all();
  changed.wait_for(lock, kPublishGrace,
                   [this] { return published == own.state || store_is_gone(); });
}

bool PeerMonitor::State::others_ended() {
  refresh_silence();
  for (size_t i = 0; i < peers.size(); ++i) {
    const bool runs = peers[i].record.state == PeerState::kRunning;
    if (static_cast<int64_t>(i) != rank && runs && peers[i].silent_seconds < missed_seconds())
      return false;
  }
  return true;
}

PeerMonitor::PeerMonitor(const Rendezvous& rendezvous, int64_t rank, Milliseconds timeout)
    : state_(std::make_shared<State>()) {
  State& state = *state_;
  state.store = rendezvous.monitor_store;
  state.rank = rank;
  state.timeout = timeout;
  const auto world_size = static_cast<int64_t>(rendezvous.ranks.size());
  state.beat = std::clamp(timeout / kBeatsPerTimeout, kShortestBeat, kLongestBeat) *
               (1 + world_size / kRanksPerBeat);
  state.store_owner = rendezvous.store_owner;
  state.serves_store = rendezvous.serves_store;
  for (const RankIdentity& who : rendezvous.ranks) state.peers.push_back({.who = who});
  state.last_beats.assign(state.peers.size(), Clock::now());
  std::thread([shared = state_] { shared->exchange_loop(); }).detach();
  std::thread([shared = state_] { shared->watch_loop(); }).detach();
}

void PeerMonitor::enter(const Collective& collective) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->failure.empty()) throw RankFailure(state_->failure);
  ++state_->own.entered;
  state_->collective = collective;
}

void PeerMonitor::track(c10::intrusive_ptr<c10d::Work> work) {
  const std::lock_guard lock(state_->mutex);
  state_->outstanding.push_back({.work = std::move(work)});
}

void PeerMonitor::settle(const c10d::Work* ended) {
  std::unique_lock lock(state_->mutex);
  std::erase_if(state_->outstanding,
                [ended](const Outstanding& operation) { return operation.work.get() == ended; });
  state_->settle(lock);
}

void PeerMonitor::explain(std::string_view what) {
  std::unique_lock lock(state_->mutex);
  if (state_->broken.empty()) state_->broken_since = Clock::now();
  state_->broken = first_line(what);
  // Backends have no type of their own for it that shows here.
  state_->broken_by_time = what.find("imed out") != what.npos;
  state_->changed.wait(lock, [this] { return !state_->failure.empty(); });
  throw RankFailure(state_->failure);
}

bool PeerMonitor::close() noexcept {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const bool sound = state.failure.empty() && state.own.state != PeerState::kFailed;
  if (state.closing) return sound;
  // What a stopped rank has to say may still be on its way.
  if (state.own.state == PeerState::kRunning) state.own.state = PeerState::kDone;
  state.wait_until_told(lock);
  if (state.serves_store) {
    // The others may have more to do, or have to read why this rank stopped.
    const Milliseconds limit = sound ? state.timeout : std::min(state.timeout, kPublishGrace);
    const Clock::time_point deadline = Clock::now() + limit;
    while (!state.others_ended() && !state.store_is_gone() && Clock::now() < deadline) {
      state.changed.wait_for(lock, kWatchInterval);
    }
  }
  state.closing = true;
  state.changed.notify_all();
  state.changed.wait_for(lock, kPublishGrace,
                         [&] { return state.store_is_gone() && state.watch_ended; });
  return sound;
}

void PeerMonitor::announce_failure(std::string_view message) noexcept {
  try {
    std::unique_lock lock(state_->mutex);
    if (state_->own.state != PeerState::kRunning) return;
    state_->own.state = PeerState::kFailed;
    state_->own.message = first_line(message);
    state_->wait_until_told(lock);
  } catch (const std::exception&) {
    // The others will notice the missing heartbeat instead.
  }
}

}  // namespace mentor
