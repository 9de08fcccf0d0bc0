#include "mentor/data/loader.h"

#include "mentor/core/format.h"
#include "mentor/data/bad_records.h"

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
  LoaderPosition after;  // position of this rank's next sample
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
        epoch_end(end_of_batches(start.sample)),
        upcoming(start),
        taken(start) {
    if (options.batch < 1 || end_of_batches(0) == 0) {
      throw ConfigError(
          format("an epoch has {} samples, and one step takes {} (a batch of {} on each of {} "
                 "ranks)",
                 sampler.total(), options.batch * sampler.world_size(), options.batch,
                 sampler.world_size()));
    }
    if (upcoming.sample >= epoch_end) start_epoch(upcoming.epoch + 1);
    taken = upcoming;
  }

  /// Where the last whole batch after sample `begin` ends.
  [[nodiscard]] int64_t end_of_batches(int64_t begin) const {
    const int64_t step = std::max<int64_t>(options.batch, 1) * sampler.world_size();
    return begin + std::max<int64_t>(sampler.total() - begin, 0) / step * step;
  }
  void start_epoch(int64_t epoch) {
    upcoming = {epoch, 0};
    epoch_end = end_of_batches(0);
  }
  void work();
  Slot& wait_for_front(std::unique_lock<std::mutex>& lock);
  void count_problem(const RecordError& problem);
  void pop_front();

  Sampler sampler;  // under the mutex
  Make make;
  LoaderOptions options;
  int64_t epoch_end;        // of the epoch that is handed out, after its last whole batch
  LoaderPosition upcoming;  // the next to hand to a worker
  LoaderPosition taken;     // the next that next() has not come to
  std::deque<std::shared_ptr<Slot>> slots;
  std::map<RecordProblem, int64_t> bad, replaced;
  int64_t bad_count = 0, taken_count = 0;
  std::string last_problem;
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
    slot->index = sampler.at(upcoming.epoch, upcoming.sample + sampler.rank());
    upcoming.sample += sampler.world_size();
    if (upcoming.sample >= epoch_end) start_epoch(upcoming.epoch + 1);
    slot->after = upcoming;
    slots.push_back(slot);
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
  taken = slots.front()->after;
  ++taken_count;
  slots.pop_front();
  space.notify_one();
}

void Loader::State::count_problem(const RecordError& problem) {
  ++bad[problem.problem()];
  ++bad_count;
  last_problem = problem.what();
  // Of an epoch at least, or the first bad record would be a large share.
  const int64_t samples = std::max(sampler.total(), taken_count * sampler.world_size());
  const std::string text = too_many_bad_records(bad_count, samples, options.bad_record_limit);
  if (!text.empty()) throw DataError(format("{}. The last one: {}", text, problem.what()));
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

std::vector<Example> Loader::next(int64_t count) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  std::vector<Example> examples;
  const int64_t epoch = state.taken.epoch;
  for (int64_t i = 0; i < count && state.taken.epoch == epoch; ++i) {
    Slot& slot = state.wait_for_front(lock);
    const std::optional<RecordError> problem = slot.problem;
    if (!problem) {
      for (const RecordProblem replaced : slot.example->replaced) ++state.replaced[replaced];
      examples.push_back(std::move(*slot.example));
    }
    state.pop_front();
    if (problem) state.count_problem(*problem);
  }
  return examples;
}

int64_t Loader::batches_per_epoch() const {
  return state_->end_of_batches(0) / (state_->options.batch * state_->sampler.world_size());
}

LoaderPosition Loader::position() const {
  const std::lock_guard lock(state_->mutex);
  return state_->taken;
}

const std::map<RecordProblem, int64_t>& Loader::bad_records() const { return state_->bad; }

const std::string& Loader::last_problem() const { return state_->last_problem; }

const std::map<RecordProblem, int64_t>& Loader::replaced() const { return state_->replaced; }

double Loader::wait_seconds() const { return state_->wait_seconds; }

}  // namespace mentor
