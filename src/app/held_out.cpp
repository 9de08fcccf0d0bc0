#include "held_out.h"

#include "mentor/core/log.h"
#include "mentor/core/parallel.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mentor {

void for_each_held_out(const HeldOutOptions& options, const Communicator& communicator,
                       const std::function<void(const std::vector<Example>&)>& take) {
  Sampler sampler({.shares = options.shares});
  std::vector<SampleIndex> own;
  for (int64_t i = communicator.rank(); i < sampler.total(); i += communicator.world_size()) {
    own.push_back(sampler.at(0, i));
  }
  const auto samples = std::ssize(own);
  int64_t num_bad = 0;
  std::string first_bad;
  for (int64_t begin = 0; begin < samples; begin += options.batch) {
    std::vector<std::optional<Example>> made(
        static_cast<size_t>(std::min(options.batch, samples - begin)));
    std::vector<std::string> problems(made.size());
    for_each_index(std::ssize(made), options.threads, [&](int64_t i) {
      const auto place = static_cast<size_t>(i);
      try {
        made[place] = options.make(0, own[static_cast<size_t>(begin + i)]);
      } catch (const RecordError& error) {
        problems[place] = error.what();
      }
    });
    std::vector<Example> examples;
    for (size_t i = 0; i < made.size(); ++i) {
      if (made[i]) {
        examples.push_back(std::move(*made[i]));
      } else if (++num_bad == 1) {
        first_bad = problems[i];
      }
    }
    if (!examples.empty()) take(examples);
  }
  if (num_bad > 0) {
    log::warn("{} of {} held-out records are left out; the first: {}", num_bad, samples, first_bad);
  }
}

}  // namespace mentor
