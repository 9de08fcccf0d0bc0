#include "mentor/data/sampler.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/random.h"

#include <limits>
#include <numeric>
#include <random>
#include <utility>

namespace mentor {
namespace {

/// Above this, torch draws 64 bits a number; no data set of ours comes near.
constexpr int64_t kMostSamples = std::numeric_limits<uint32_t>::max() / 20;

}  // namespace

std::vector<uint32_t> torch_permutation(int64_t count, uint64_t seed) {
  std::vector<uint32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0U);
  std::mt19937 random(static_cast<uint32_t>(seed));  // torch takes the lower half, too
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    std::swap(order[i], order[i + random() % (order.size() - i)]);
  }
  return order;
}

Sampler::Sampler(Options options) : options_(std::move(options)) {
  for (size_t file = 0; file < options_.shares.size(); ++file) {
    const MixtureShare& share = options_.shares[file];
    if (share.records < 1 || share.samples < 0) {
      throw ConfigError(format("file {} of the mixture: {} samples of {} records", file,
                               share.samples, share.records));
    }
    total_ += share.samples;
    partial_.push_back(
        share.samples == share.records
            ? std::vector<uint32_t>()
            : torch_permutation(share.records, stream_seed(options_.seed, "mixture", {share.key})));
  }
  if (total_ > kMostSamples || total_ < options_.world_size) {
    throw ConfigError(format("an epoch of {} samples: must be {} (one per rank) to {}", total_,
                             options_.world_size, kMostSamples));
  }
}

void Sampler::start_epoch(int64_t epoch) {
  order_ = torch_permutation(total_, options_.seed + static_cast<uint64_t>(epoch));
  epoch_ = epoch;
}

SampleIndex Sampler::at(int64_t epoch, int64_t position) {
  if (epoch != epoch_) start_epoch(epoch);
  auto rest = static_cast<int64_t>(order_.at(static_cast<size_t>(position)));
  int64_t file = 0;
  while (rest >= options_.shares[static_cast<size_t>(file)].samples) {
    rest -= options_.shares[static_cast<size_t>(file++)].samples;
  }
  const MixtureShare& share = options_.shares[static_cast<size_t>(file)];
  const std::vector<uint32_t>& partial = partial_[static_cast<size_t>(file)];
  if (partial.empty()) return {file, rest};
  return {file, partial[static_cast<size_t>((epoch * share.samples + rest) % share.records)],
          rest / share.records};
}

}  // namespace mentor
