#pragma once

#include <cstdint>
#include <vector>

namespace mentor {

/// What an epoch takes from one file: all of it, or another number of samples.
struct MixtureShare {
  int64_t records = 0;  // in the file
  int64_t samples = 0;  // per epoch, of all ranks; more than `records`: some come again
};

/// Which record a sample is made of.
struct SampleIndex {
  int64_t file = 0, record = 0;
  friend bool operator==(const SampleIndex&, const SampleIndex&) = default;
};

/// The order of an epoch, a pure function of seed, epoch and rank: a position is all that resuming
/// needs. For one file taken whole it is that of PyTorch's DistributedSampler(shuffle=True,
/// drop_last=True) with seed + epoch, so the reference's runs can be repeated sample by sample.
/// A file taken in part gives other records every epoch, until all have come once.
class Sampler {
 public:
  struct Options {
    std::vector<MixtureShare> shares;
    uint64_t seed = 0;
    int64_t rank = 0, world_size = 1;
  };
  /// ConfigError for a share without records and for fewer samples than ranks.
  explicit Sampler(Options options);

  /// Samples of this rank in an epoch; what does not divide by the ranks is left out.
  [[nodiscard]] int64_t size() const { return total_ / options_.world_size; }

  /// Sample at `position` of this rank. The order of one epoch is kept: ask in order of epochs.
  [[nodiscard]] SampleIndex at(int64_t epoch, int64_t position);

 private:
  void start_epoch(int64_t epoch);

  Options options_;
  int64_t total_ = 0;
  std::vector<std::vector<uint32_t>> partial_;  // per file: order of one taken in part, else empty
  int64_t epoch_ = -1;
  std::vector<uint32_t> order_;
};

/// torch.randperm(count, generator=torch.Generator().manual_seed(seed)).
[[nodiscard]] std::vector<uint32_t> torch_permutation(int64_t count, uint64_t seed);

}  // namespace mentor
