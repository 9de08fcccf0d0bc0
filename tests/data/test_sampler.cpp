#include "mentor/core/error.h"
#include "mentor/data/sampler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace mentor {
namespace {

std::vector<SampleIndex> epoch_of(const Sampler::Options& options, int64_t epoch) {
  Sampler sampler(options);
  std::vector<SampleIndex> samples;
  for (int64_t i = 0; i < sampler.size(); ++i) {
    samples.push_back(sampler.at(epoch, i * options.world_size + options.rank));
  }
  return samples;
}

TEST(TorchPermutation, IsTorchs) {
  for (const auto& [count, seed] :
       std::map<int64_t, uint64_t>{{1, 0}, {2, 3}, {7, 42}, {5000, 1}}) {
    const at::Tensor expected = at::randperm(
        count, at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed)), at::kLong);
    const auto order = torch_permutation(count, seed);
    for (int64_t i = 0; i < count; ++i) {
      ASSERT_EQ(order[static_cast<size_t>(i)], expected[i].item<int64_t>()) << count << " at " << i;
    }
  }
}

TEST(Sampler, OneWholeFileIsTheDistributedSamplers) {
  constexpr int64_t kRecords = 103, kRanks = 4, kEpoch = 2;
  const auto order = torch_permutation(kRecords, 5 + kEpoch);
  for (int64_t rank = 0; rank < kRanks; ++rank) {
    const auto samples = epoch_of(
        {.shares = {{kRecords, kRecords}}, .seed = 5, .rank = rank, .world_size = kRanks}, kEpoch);
    ASSERT_EQ(samples.size(), 25U);  // 103 / 4: three are left out
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_EQ(samples[i].record, order[i * kRanks + static_cast<size_t>(rank)]);
    }
  }
}

TEST(Sampler, TakesExactCountsAndComesToEveryRecord) {
  // 10 of 40, 30 of 12 and all of 5.
  const Sampler::Options options{.shares = {{40, 10}, {12, 30}, {5, 5}}, .seed = 1};
  std::map<int64_t, std::map<int64_t, int>> seen;
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    std::map<int64_t, int> count;
    for (const SampleIndex& sample : epoch_of(options, epoch)) {
      ++count[sample.file];
      ++seen[sample.file][sample.record];
    }
    EXPECT_EQ(count, (std::map<int64_t, int>{{0, 10}, {1, 30}, {2, 5}}));
  }
  for (const auto& [file, records] : seen) {
    EXPECT_EQ(static_cast<int64_t>(records.size()),
              options.shares[static_cast<size_t>(file)].records);
    for (const auto& [record, times] : records) {
      EXPECT_EQ(times, file == 0 ? 1 : file == 1 ? 10 : 4) << file << ":" << record;
    }
  }
}

TEST(Sampler, WhatComesAgainInAnEpochIsNotTheSameSample) {
  std::set<std::pair<int64_t, int64_t>> seen;
  for (const SampleIndex& sample : epoch_of({.shares = {{12, 30}}, .seed = 1}, 1)) {
    EXPECT_TRUE(seen.emplace(sample.record, sample.copy).second);
    EXPECT_LE(sample.copy, 2);
  }
  for (const SampleIndex& sample : epoch_of({.shares = {{40, 10}}, .seed = 1}, 3)) {
    EXPECT_EQ(sample.copy, 0);
  }
}

TEST(Sampler, APositionIsAllThatResumingNeeds) {
  const Sampler::Options options{.shares = {{50, 50}, {30, 7}}, .seed = 9};
  const auto whole = epoch_of(options, 3);
  Sampler resumed(options);
  EXPECT_EQ(resumed.at(3, 20), whole[20]);
  EXPECT_NE(epoch_of(options, 4), whole);
  EXPECT_EQ(resumed.at(4, 0), epoch_of(options, 4)[0]);
}

TEST(Sampler, ThePartOfAFileDoesNotDependOnOtherFiles) {
  const auto part = [](const std::vector<MixtureShare>& shares, int64_t file) {
    std::set<int64_t> records;
    for (const SampleIndex& sample : epoch_of({.shares = shares, .seed = 3}, 1)) {
      if (sample.file == file) records.insert(sample.record);
    }
    return records;
  };
  const MixtureShare share{.records = 100, .samples = 20, .key = 77};
  EXPECT_EQ(part({share}, 0), part({{50, 30, 5}, {9, 9, 6}, share}, 2));
  EXPECT_NE(part({share}, 0), part({{100, 20, 78}}, 0));
}

TEST(Sampler, RefusesWhatMakesNoEpoch) {
  EXPECT_THROW(Sampler({.shares = {{0, 0}}}), ConfigError);
  EXPECT_THROW(Sampler({.shares = {}}), ConfigError);
  EXPECT_THROW(Sampler({.shares = {{3, 3}}, .world_size = 4}), ConfigError);
}

}  // namespace
}  // namespace mentor
