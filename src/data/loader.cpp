#include "mentor/data/loader.h"

#include "mentor/core/format.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace mentor {
namespace {

/// One sample that was handed to a worker; the sampler's order is that of the queue.
struct Slot {
  LoaderPosition position;
  SampleIndex index;
  bool ready = false;
  std::optional<Example> example;  // empty for a bad record
  std::optional<RecordError> problem;
  std::exception_ptr failure;  // anything else: ends the loading
};

}  // namespace

struct Loader::State {
  State(Sampler order, Make make_example, const LoaderOptions& loader_options, LoaderPosition start)
      : sampler(std::move(order)),
        make(std::move(make_example)),
        options(loader_options),
        upcoming(start),
        taken(start) {}

  void work();
  Slot& wait_for_front(std::unique_lock<std::mutex>& lock);
  void count_problem(const RecordError& problem);
  void pop_front();

  Sampler sampler;  // under the mutex
  Make make;
  LoaderOptions options;
  LoaderPosition upcoming;  // the next to hand to a worker
  LoaderPosition taken;     // the next that no batch holds
  std::deque<std::shared_ptr<Slot>> slots;
  std::map<RecordProblem, int64_t> bad;
  int64_t bad_count = 0, taken_count = 0;
  double wait_seconds = 0;
  bool stop = false;
  std::mutex mutex;
  std::condition_variable space, arrival;
  std::vector<std::jthread> workers;  // last: they end before what they use
};

void Loader::State::work() {
  std::unique_lock lock(mutex);
  for (;;) {
    space.wait(lock, [&] { return stop || static_cast<int64_t>(slots.size()) < options.queue; });
    if (stop) return;
    const auto slot = std::make_shared<Slot>();
    slot->position = upcoming;
    slot->index = sampler.at(upcoming.epoch, upcoming.sample);
    slots.push_back(slot);
    if (++upcoming.sample == sampler.size()) upcoming = {upcoming.epoch + 1, 0};
    lock.unlock();
    try {
      slot->example = make(slot->position.epoch, slot->index);
    } catch (const RecordError& problem) {
      slot->problem = problem;
    } catch (...) {
      slot->failure = std::current_exception();
    }
    lock.lock();
    slot->ready = true;
    arrival.notify_all();
  }
}

Slot& Loader::State::wait_for_front(std::unique_lock<std::mutex>& lock) {
  const auto begin = std::chrono::steady_clock::now();
  arrival.wait(lock, [&] { return !slots.empty() && slots.front()->ready; });
  wait_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (slots.front()->failure) std::rethrow_exception(slots.front()->failure);
  return *slots.front();
}

void Loader::State::pop_front() {
  taken = slots.front()->position;
  if (++taken.sample == sampler.size()) taken = {taken.epoch + 1, 0};
  ++taken_count;
  slots.pop_front();
  space.notify_one();
}

void Loader::State::count_problem(const RecordError& problem) {
  ++bad[problem.problem()];
  ++bad_count;
  // Of an epoch at least, or the first bad record would be a large share.
  const int64_t samples = std::max(sampler.size(), taken_count);
  if (static_cast<double>(bad_count) <= options.bad_record_limit * static_cast<double>(samples)) {
    return;
  }
  throw DataError(
      format("{} bad records among {} are more than data.bad_record_limit ({:.4g}) allows; 'mentor "
             "data check' lists them all. The last one: {}",
             bad_count, samples, options.bad_record_limit, problem.what()));
}

Loader::Loader(Sampler sampler, Make make, const LoaderOptions& options, LoaderPosition start)
    : state_(std::make_unique<State>(std::move(sampler), std::move(make), options, start)) {
  for (int64_t i = 0; i < options.threads; ++i) {
    state_->workers.emplace_back([state = state_.get()] { state->work(); });
  }
}

Loader::~Loader() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->space.notify_all();
}

std::vector<Example> Loader::next() {
  State& state = *state_;
  const LoaderOptions& options = state.options;
  std::unique_lock lock(state.mutex);
  std::vector<Example> batch;
  int64_t tokens = 0, epoch = 0;
  while (static_cast<int64_t>(batch.size()) < options.max_samples) {
    Slot& slot = state.wait_for_front(lock);
    if (!batch.empty() && slot.position.epoch != epoch) break;
    if (slot.problem) {
      const RecordError problem = *slot.problem;
      state.pop_front();
      state.count_problem(problem);
      continue;
    }
    const int64_t more = static_cast<int64_t>(slot.example->ids.size()) + options.image_tokens;
    const bool full = options.token_budget > 0 && tokens + more > options.token_budget;
    if (full && !batch.empty()) break;
    tokens += more;
    epoch = slot.position.epoch;
    batch.push_back(std::move(*slot.example));
    state.pop_front();
  }
  return batch;
}

LoaderPosition Loader::position() const {
  const std::lock_guard lock(state_->mutex);
  return state_->taken;
}

const std::map<RecordProblem, int64_t>& Loader::bad_records() const { return state_->bad; }

double Loader::wait_seconds() const { return state_->wait_seconds; }

}  // namespace mentor
