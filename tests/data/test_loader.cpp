#include "mentor/core/error.h"
#include "mentor/core/random.h"
#include "mentor/data/loader.h"
#include "support/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <numeric>
#include <thread>

namespace mentor {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kRecords = 40;

/// Prompts of 1 to 9 tokens that tell the epoch and the record, after a time of its own.
Example slow_example(int64_t epoch, SampleIndex index) {
  const auto key = static_cast<uint64_t>(epoch * 1000 + index.record);
  std::this_thread::sleep_for(std::chrono::microseconds(mix64(key) % 2000));
  Example example{.index = index};
  example.ids.assign(1 + mix64(key + 7) % 9, epoch);
  return example;
}

Sampler sampler(int64_t rank = 0, int64_t world_size = 1) {
  return Sampler({.shares = {{kRecords, kRecords}}, .rank = rank, .world_size = world_size});
}

/// Records of each batch.
std::vector<std::vector<int64_t>> batches_of(Loader& loader, int count) {
  std::vector<std::vector<int64_t>> batches;
  for (int i = 0; i < count; ++i) {
    batches.emplace_back();
    for (const Example& example : loader.next()) batches.back().push_back(example.index.record);
  }
  return batches;
}

LoaderOptions packed(int64_t threads) {
  return {.threads = threads, .queue = 8, .token_budget = 64, .max_samples = 5, .image_tokens = 10};
}

TEST(Loader, ThreadsChangeNothing) {
  Loader one(sampler(), slow_example, packed(1)), six(sampler(), slow_example, packed(6));
  const auto batches = batches_of(one, 30);  // more than two epochs
  EXPECT_EQ(batches, batches_of(six, 30));
  EXPECT_EQ(one.position(), six.position());
  EXPECT_EQ(one.position().epoch, 2);
}

TEST(Loader, BatchesKeepTheBudgetAndTheEpoch) {
  Loader loader(sampler(), slow_example, packed(3));
  std::vector<int> seen(kRecords, 0);
  int64_t samples = 0;
  while (loader.position().epoch == 0) {
    const auto batch = loader.next();
    int64_t tokens = 0;
    for (const Example& example : batch) {
      EXPECT_EQ(example.ids.front(), 0) << "of the first epoch";
      tokens += static_cast<int64_t>(example.ids.size()) + 10;
      ++seen[static_cast<size_t>(example.index.record)];
      ++samples;
    }
    EXPECT_LE(tokens, 64);
    EXPECT_LE(batch.size(), 5U);
  }
  EXPECT_EQ(samples, kRecords);
  EXPECT_THAT(seen, ::testing::Each(1));
}

TEST(Loader, ResumingEqualsNotStopping) {
  Loader whole(sampler(), slow_example, packed(4));
  (void)batches_of(whole, 7);
  const LoaderPosition position = whole.position();
  Loader resumed(sampler(), slow_example, packed(2), position);
  EXPECT_EQ(batches_of(resumed, 12), batches_of(whole, 12));
}

TEST(Loader, RanksShareAnEpoch) {
  std::vector<int> seen(kRecords, 0);
  for (int64_t rank = 0; rank < 2; ++rank) {
    Loader loader(sampler(rank, 2), slow_example, {.threads = 2});
    for (int i = 0; i < kRecords / 2; ++i) {
      ++seen[static_cast<size_t>(loader.next().front().index.record)];
    }
  }
  EXPECT_THAT(seen, ::testing::Each(1));
}

TEST(Loader, BadRecordsAreLeftOutAndCountedUpToTheLimit) {
  const auto make = [](int64_t epoch, SampleIndex index) {
    if (epoch == 0 && index.record % 10 == 3) {
      throw RecordError(RecordProblem::kEmptyMask,
                        "file:" + std::to_string(index.record) + ": bad");
    }
    return slow_example(epoch, index);
  };
  Loader tolerant(sampler(), make, {.threads = 3, .bad_record_limit = 0.1});
  for (int i = 0; i < kRecords - 4; ++i) EXPECT_NE(tolerant.next().front().index.record % 10, 3);
  (void)tolerant.next();  // of the next epoch: whatever ended the first was taken
  EXPECT_EQ(tolerant.bad_records(),
            (std::map<RecordProblem, int64_t>{{RecordProblem::kEmptyMask, 4}}));
  Loader strict(sampler(), make, {.threads = 3, .bad_record_limit = 0.05});
  try {
    for (int i = 0; i < kRecords; ++i) (void)strict.next();
    FAIL() << "four of 40 are more than 5 %";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("3 bad records"));
    EXPECT_THAT(error.what(), HasSubstr("3: bad"));
  }
}

TEST(Loader, OtherErrorsOfAWorkerArrive) {
  const auto make = [](int64_t, SampleIndex) -> Example { throw ConfigError("no backgrounds"); };
  Loader loader(sampler(), make, {.threads = 2, .bad_record_limit = 1});
  EXPECT_THROW((void)loader.next(), ConfigError);
}

TEST(Loader, EndsWhileItsWorkersAreBusyOrWaiting) {
  for (int i = 0; i < 20; ++i) {
    Loader loader(sampler(), slow_example, {.threads = 4, .queue = 3});
    if (i % 2 == 0) (void)loader.next();
  }
}

TEST(ExampleMaker, MakesTheRecordedExamplesOnAnyNumberOfThreads) {
  const nlohmann::json config =
      nlohmann::json::parse(read_text(fixture_path("data/expected.json"))).at("config");
  const auto examples = [&](int64_t threads) {
    std::vector<RecordFile> files;
    files.emplace_back(fixture_path("data/records.jsonl"));
    const int64_t records = files.front().size();
    const ExampleMaker make({.sample = {.image_size = config.at("image_size")},
                             .clip_size = config.at("clip_image_size"),
                             .placeholders_per_image = config.at("placeholders_per_image"),
                             .max_prompt_tokens = 64},
                            std::move(files), Tokenizer::load(fixture_path(config.at("tokenizer"))),
                            Backgrounds(fixture_path("data/background.jsonl")));
    Loader loader(Sampler({.shares = {{records, records}}}),
                  [&](int64_t epoch, SampleIndex index) { return make(epoch, index); },
                  {.threads = threads, .bad_record_limit = 0.2});
    std::vector<Example> made;
    for (int64_t i = 0; i < 40; ++i) made.push_back(std::move(loader.next().front()));
    return made;
  };
  const auto one = examples(1), six = examples(6);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].index, six[i].index);
    EXPECT_EQ(one[i].ids, six[i].ids);
    EXPECT_EQ(one[i].pixels_NCHW, six[i].pixels_NCHW);
    EXPECT_EQ(one[i].target_CHW, six[i].target_CHW);
    EXPECT_EQ(one[i].target_CHW.size(), 3U * 64 * 64);
    EXPECT_EQ(one[i].pixels_NCHW.size(), static_cast<size_t>(one[i].num_pictures) * 3 * 56 * 56);
  }
}

}  // namespace
}  // namespace mentor
