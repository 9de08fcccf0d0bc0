#pragma once

#include "mentor/data/code_cache.h"
#include "mentor/data/sample.h"
#include "mentor/data/sampler.h"
#include "mentor/text/tokenizer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace mentor {

/// One sample with everything done that needs no model.
struct Example {
  SampleIndex index;
  Task task = Task::kTextToImage;
  std::vector<int64_t> ids;  // the prompt, each picture's <image> repeated
  int64_t num_pictures = 0;
  /// Trained without its condition. The prompt stays, as its length counts; the pixels do not.
  bool condition_dropped = false;
  bool target_valid = true;             // false: no loss is taken
  std::vector<RecordProblem> replaced;  // what OnBadRecord::kReference put up with
  std::vector<float> pixels_NCHW;       // CLIP's input of all pictures; empty when dropped
  std::vector<float> target_CHW;        // the codec's input; empty when its codes are known
  std::vector<uint16_t> codes;          // of the target, row by row; empty when not in the cache
};

/// Records and how their samples are made.
struct ExampleSource {
  std::shared_ptr<const RecordSource> records;
  SampleOptions sample;
  uint64_t key = 0;                 // of its random choices; see sample_seed()
  std::vector<uint32_t> selection;  // the records to take; empty: all

  [[nodiscard]] int64_t size() const {
    return selection.empty() ? records->size() : static_cast<int64_t>(selection.size());
  }
  /// The record that sample `index` of this source is made of.
  [[nodiscard]] int64_t record(int64_t index) const {
    return selection.empty() ? index : selection.at(static_cast<size_t>(index));
  }
};

/// Makes examples of several sources; any thread may call it.
class ExampleMaker {
 public:
  struct Options {
    int64_t clip_size = 224;
    int64_t placeholders_per_image = 256;
    int64_t max_prompt_tokens = 512;
    double condition_dropout = 0;  // share of samples trained without their condition
    uint64_t seed = 0;             // of the run
  };
  /// `cache` may be null.
  ExampleMaker(const Options& options, std::vector<ExampleSource> sources, Tokenizer tokenizer,
               std::optional<Backgrounds> backgrounds,
               std::shared_ptr<const CodeCache> cache = nullptr);

  /// RecordError for a record that cannot be used, or whose prompt is too long (kReference: cut,
  /// with </s> at its end, so there may be fewer <image> than the pictures have features).
  [[nodiscard]] Example operator()(int64_t epoch, SampleIndex index) const;

  [[nodiscard]] const std::vector<ExampleSource>& sources() const { return sources_; }

 private:
  void set_prompt(const std::string& prompt, const Record& record, OnBadRecord on_bad_record,
                  Example& example) const;

  Options options_;
  std::vector<ExampleSource> sources_;
  Tokenizer tokenizer_;
  std::optional<Backgrounds> backgrounds_;
  std::shared_ptr<const CodeCache> cache_;
};

/// The next sample that a loader will take, counted over all ranks of the epoch: all that resuming
/// needs, with any number of ranks.
struct LoaderPosition {
  int64_t epoch = 0, sample = 0;
  friend bool operator==(const LoaderPosition&, const LoaderPosition&) = default;
};

struct LoaderOptions {
  int64_t threads = 4;
  int64_t queue = 32;           // examples made ahead
  int64_t batch = 1;            // samples of this rank in an optimizer step
  double bad_record_limit = 0;  // bad records of this rank among all ranks' that stop the loading
};

/// Examples in the sampler's order, made ahead by worker threads. Which samples a step holds
/// depends on their positions alone, never on threads, time or bad records.
class Loader {
 public:
  using Make = std::function<Example(int64_t epoch, SampleIndex index)>;  // thread-safe

  /// What is left of an epoch after its last whole batch of all ranks is dropped. ConfigError when
  /// an epoch has less than one.
  Loader(Sampler sampler, Make make, const LoaderOptions& options, LoaderPosition start = {});
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Waits for the samples at this rank's next `count` positions of the epoch (fewer at its end,
  /// where `count` does not divide). Bad records are left out and counted, so there may be none;
  /// more of them than the limit are a DataError that shows the last one. Epochs follow one another
  /// without an end.
  [[nodiscard]] std::vector<Example> next(int64_t count);

  /// Batches in a whole epoch.
  [[nodiscard]] int64_t batches_per_epoch() const;
  /// Of the first sample that next() has not come to.
  [[nodiscard]] LoaderPosition position() const;
  [[nodiscard]] const std::map<RecordProblem, int64_t>& bad_records() const;
  /// What was wrong with the last bad record; "" when there was none.
  [[nodiscard]] const std::string& last_problem() const;
  /// What OnBadRecord::kReference put up with in the examples returned.
  [[nodiscard]] const std::map<RecordProblem, int64_t>& replaced() const;
  /// Seconds that next() has waited for workers.
  [[nodiscard]] double wait_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mentor
