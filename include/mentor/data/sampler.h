#pragma once

#include <cstdint>
#include <vector>

namespace mentor {

/// What an epoch takes from one file: all of it, or another number of samples.
struct MixtureShare {
  int64_t records = 0;  // in the file
  int64_t samples = 0;  // per epoch, of all ranks; more than `records`: some come again
  uint64_t key = 0;     // of the choice of a part: not the place in the mixture, which can change
};

/// Which record a sample is made of; `copy`: how often the epoch has taken it before in the order
/// of the file, so that each time it is another sample.
struct SampleIndex {
  int64_t file = 0, record = 0, copy = 0;
  friend bool operator==(const SampleIndex&, const SampleIndex&) = default;
};

/// The order of an epoch, a pure function of seed and epoch; rank r of n takes positions r, n + r,
/// 2n + r ... For one file taken whole that is what PyTorch's DistributedSampler(shuffle=True,
/// drop_last=True) gives with seed + epoch, so the reference's runs can be repeated sample by
/// sample. A file taken in part gives other records every epoch, until all have come once.
class Sampler {
 public:
  struct Options {
    std::vector<MixtureShare> shares;
    uint64_t seed = 0;
    int64_t rank = 0, world_size = 1;
  };
  /// ConfigError for a share without records and for fewer samples than ranks.
  explicit Sampler(Options options);

  /// Samples of all ranks in an epoch.
  [[nodiscard]] int64_t total() const { return total_; }
  /// Samples of this rank in an epoch; what does not divide by the ranks is left out.
  [[nodiscard]] int64_t size() const { return total_ / options_.world_size; }
  [[nodiscard]] int64_t rank() const { return options_.rank; }
  [[nodiscard]] int64_t world_size() const { return options_.world_size; }

  /// Sample at `position` of all ranks' order. That of one epoch is kept: ask in order of epochs.
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
