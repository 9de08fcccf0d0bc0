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

constexpr int64_t kBatch = 3;  // 13 whole ones in an epoch

LoaderOptions options_of(int64_t threads) {
  return {.threads = threads, .queue = 8, .batch = kBatch};
}

/// Records of each batch.
std::vector<std::vector<int64_t>> batches_of(Loader& loader, int count, int64_t size = kBatch) {
  std::vector<std::vector<int64_t>> batches;
  for (int i = 0; i < count; ++i) {
    batches.emplace_back();
    for (const Example& example : loader.next(size)) batches.back().push_back(example.index.record);
  }
  return batches;
}

TEST(Loader, ThreadsChangeNothing) {
  Loader one(sampler(), slow_example, options_of(1)), six(sampler(), slow_example, options_of(6));
  const auto batches = batches_of(one, 30);  // more than two epochs
  EXPECT_EQ(batches, batches_of(six, 30));
  EXPECT_EQ(one.position(), six.position());
  EXPECT_EQ(one.position(), (LoaderPosition{2, 4 * kBatch}));
}

TEST(Loader, AnEpochIsItsWholeBatches) {
  Loader loader(sampler(), slow_example, options_of(3));
  EXPECT_EQ(loader.batches_per_epoch(), 13);
  Sampler order = sampler();
  for (int64_t epoch = 0; epoch < 2; ++epoch) {
    for (int64_t batch = 0; batch < 13; ++batch) {
      EXPECT_EQ(loader.position(), (LoaderPosition{epoch, batch * kBatch}));
      const auto examples = loader.next(kBatch);
      ASSERT_EQ(examples.size(), static_cast<size_t>(kBatch));
      for (int64_t i = 0; i < kBatch; ++i) {
        EXPECT_EQ(examples[static_cast<size_t>(i)].ids.front(), epoch);
        EXPECT_EQ(examples[static_cast<size_t>(i)].index, order.at(epoch, batch * kBatch + i));
      }
    }
  }
  EXPECT_EQ(loader.position(), (LoaderPosition{2, 0}));
}

TEST(Loader, ABatchCanBeTakenInPieces) {
  Loader whole(sampler(), slow_example, options_of(2)),
      pieces(sampler(), slow_example, options_of(2));
  for (int i = 0; i < 15; ++i) {
    auto expected = batches_of(whole, 1).front();
    auto first = batches_of(pieces, 1, 2).front(), rest = batches_of(pieces, 1, 1).front();
    first.insert(first.end(), rest.begin(), rest.end());
    EXPECT_EQ(first, expected);
  }
  EXPECT_EQ(pieces.next(1000).size(), 11U * kBatch) << "the rest of the epoch";
}

TEST(Loader, ResumingEqualsNotStopping) {
  Loader whole(sampler(), slow_example, options_of(4));
  (void)batches_of(whole, 7);
  const LoaderPosition position = whole.position();
  Loader resumed(sampler(), slow_example, options_of(2), position);
  EXPECT_EQ(batches_of(resumed, 12), batches_of(whole, 12));
  // Where no whole batch is left, the next epoch begins; batches can start anywhere.
  EXPECT_EQ(Loader(sampler(), slow_example, options_of(1), {4, 38}).position(),
            (LoaderPosition{5, 0}));
  Loader shifted(sampler(), slow_example, options_of(1), {0, 37});
  EXPECT_EQ(shifted.next(kBatch).size(), 3U);
  EXPECT_EQ(shifted.position(), (LoaderPosition{1, 0}));
}

TEST(Loader, RanksTogetherTakeWhatOneTakes) {
  Loader one(sampler(), slow_example, {.threads = 3, .batch = 6});
  Loader first(sampler(0, 2), slow_example, options_of(2));
  Loader second(sampler(1, 2), slow_example, options_of(3));
  EXPECT_EQ(first.batches_per_epoch(), one.batches_per_epoch());
  for (int step = 0; step < 14; ++step) {
    const auto whole = batches_of(one, 1, 6).front();
    const auto even = batches_of(first, 1).front(), odd = batches_of(second, 1).front();
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(whole[i], (i % 2 == 0 ? even : odd)[i / 2]) << step;
    EXPECT_EQ(first.position(), one.position());
  }
  // One rank goes on where two stopped.
  Loader resumed(sampler(), slow_example, {.threads = 1, .batch = 6}, second.position());
  EXPECT_EQ(batches_of(resumed, 9, 6), batches_of(one, 9, 6));
}

TEST(Loader, RefusesAnEpochWithoutAStep) {
  try {
    const Loader loader(sampler(0, 4), slow_example, {.batch = 11});
    FAIL() << "44 of 40 samples";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "an epoch has 40 samples, and one step takes 44 (a batch of 11 on each of 4 "
                 "ranks)");
  }
}

TEST(Loader, BadRecordsAreLeftOutAndCountedUpToTheLimit) {
  const auto make = [](int64_t epoch, SampleIndex index) {
    if (epoch == 0 && index.record % 10 == 3) {
      throw RecordError(RecordProblem::kEmptyMask,
                        "file:" + std::to_string(index.record) + ": bad");
    }
    return slow_example(epoch, index);
  };
  // Positions do not move: the steps are those without bad records, some of them smaller.
  Loader tolerant(sampler(), make, {.threads = 3, .batch = 2, .bad_record_limit = 0.1});
  Loader good(sampler(), slow_example, {.threads = 1, .batch = 2});
  for (int step = 0; step < 20; ++step) {
    auto expected = batches_of(good, 1, 2).front();
    std::erase_if(expected, [](int64_t record) { return record % 10 == 3; });
    EXPECT_EQ(batches_of(tolerant, 1, 2).front(), expected);
    EXPECT_EQ(tolerant.position(), good.position());
  }
  EXPECT_EQ(tolerant.bad_records(),
            (std::map<RecordProblem, int64_t>{{RecordProblem::kEmptyMask, 4}}));
  Loader strict(sampler(), make, {.threads = 3, .bad_record_limit = 0.05});
  try {
    for (int i = 0; i < kRecords; ++i) (void)strict.next(1);
    FAIL() << "four of 40 are more than 5 %";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("3 bad records"));
    EXPECT_THAT(error.what(), HasSubstr("3: bad"));
  }
}

TEST(Loader, ARankAllowsWhatTheLimitAllowsForAllRanks) {
  const auto make = [](int64_t epoch, SampleIndex index) {
    if (index.record == 7) throw RecordError(RecordProblem::kEmptyMask, "file:7: bad");
    return slow_example(epoch, index);
  };
  int64_t bad = 0;
  for (int64_t rank = 0; rank < 4; ++rank) {  // 10 samples each: one is a tenth of them
    Loader loader(sampler(rank, 4), make, {.threads = 1, .bad_record_limit = 0.03});
    for (int i = 0; i < kRecords / 4; ++i) EXPECT_NO_THROW((void)loader.next(1));
    for (const auto& [problem, count] : loader.bad_records()) bad += count;
    EXPECT_EQ(loader.last_problem(), loader.bad_records().empty() ? "" : "file:7: bad");
  }
  EXPECT_EQ(bad, 1);
}

TEST(Loader, OtherErrorsOfAWorkerArrive) {
  const auto make = [](int64_t, SampleIndex) -> Example { throw ConfigError("no backgrounds"); };
  Loader loader(sampler(), make, {.threads = 2, .bad_record_limit = 1});
  EXPECT_THROW((void)loader.next(1), ConfigError);
}

TEST(Loader, EndsWhileItsWorkersAreBusyOrWaiting) {
  for (int i = 0; i < 20; ++i) {
    Loader loader(sampler(), slow_example, {.threads = 4, .queue = 3});
    if (i % 2 == 0) (void)loader.next(1);
  }
}

ExampleMaker recorded_maker(double condition_dropout = 0, SampleOptions sample = {},
                            int64_t max_prompt_tokens = 64) {
  const nlohmann::json config =
      nlohmann::json::parse(read_text(fixture_path("data/expected.json"))).at("config");
  sample.image_size = config.at("image_size");
  std::vector<ExampleSource> sources;
  sources.push_back(
      {.records = open_records(fixture_path("data/records.jsonl")), .sample = sample});
  return ExampleMaker({.clip_size = config.at("clip_image_size"),
                       .placeholders_per_image = config.at("placeholders_per_image"),
                       .max_prompt_tokens = max_prompt_tokens,
                       .condition_dropout = condition_dropout},
                      std::move(sources), Tokenizer::load(fixture_path(config.at("tokenizer"))),
                      Backgrounds(fixture_path("data/background.jsonl")));
}

std::vector<Example> recorded_examples(int64_t threads, double condition_dropout = 0) {
  const ExampleMaker make = recorded_maker(condition_dropout);
  const int64_t records = make.sources().front().size();
  Loader loader(Sampler({.shares = {{records, records}}}),
                [&](int64_t epoch, SampleIndex index) { return make(epoch, index); },
                {.threads = threads, .bad_record_limit = 0.2});
  std::vector<Example> made;
  while (made.size() < 40) {
    for (Example& example : loader.next(1)) made.push_back(std::move(example));
  }
  return made;
}

TEST(ExampleMaker, MakesTheRecordedExamplesOnAnyNumberOfThreads) {
  const auto one = recorded_examples(1), six = recorded_examples(6);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].index, six[i].index);
    EXPECT_EQ(one[i].ids, six[i].ids);
    EXPECT_EQ(one[i].pixels_NCHW, six[i].pixels_NCHW);
    EXPECT_EQ(one[i].target_CHW, six[i].target_CHW);
    EXPECT_EQ(one[i].target_CHW.size(), 3U * 64 * 64);
    EXPECT_EQ(one[i].pixels_NCHW.size(), static_cast<size_t>(one[i].num_pictures) * 3 * 56 * 56);
  }
}

TEST(ExampleMaker, ADroppedConditionKeepsItsPromptAndItsTarget) {
  const auto kept = recorded_examples(2), mixed = recorded_examples(3, 0.5);
  size_t dropped = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_FALSE(kept[i].condition_dropped);
    EXPECT_EQ(mixed[i].index, kept[i].index);
    EXPECT_EQ(mixed[i].ids, kept[i].ids);
    EXPECT_EQ(mixed[i].num_pictures, kept[i].num_pictures);
    EXPECT_EQ(mixed[i].target_CHW, kept[i].target_CHW);
    if (mixed[i].condition_dropped) {
      ++dropped;
      EXPECT_TRUE(mixed[i].pixels_NCHW.empty());
    } else {
      EXPECT_EQ(mixed[i].pixels_NCHW, kept[i].pixels_NCHW);
    }
  }
  EXPECT_GT(dropped, 10U);
  EXPECT_LT(dropped, 30U);
}

TEST(ExampleMaker, CutsLongPromptsAsTheReferenceAndCountsThem) {
  const ExampleMaker whole = recorded_maker(), strict = recorded_maker(0, {}, 12);
  const ExampleMaker cutting = recorded_maker(0, {.on_bad_record = OnBadRecord::kReference}, 12);
  constexpr SampleIndex kReconstruction{0, 3};
  const Example full = whole(0, kReconstruction), cut = cutting(0, kReconstruction);
  ASSERT_GT(full.ids.size(), 16U);
  std::vector<int64_t> expected(full.ids.begin(), full.ids.begin() + 11);
  expected.push_back(full.ids.back());  // </s>
  EXPECT_EQ(cut.ids, expected);
  EXPECT_THAT(cut.replaced, ::testing::ElementsAre(RecordProblem::kTooLong));
  EXPECT_EQ(cut.pixels_NCHW, full.pixels_NCHW);
  try {
    (void)strict(0, kReconstruction);
    FAIL() << "was accepted";
  } catch (const RecordError& error) {
    EXPECT_EQ(error.problem(), RecordProblem::kTooLong);
  }

  Loader loader(Sampler({.shares = {{1, 1}}}),
                [&](int64_t epoch, SampleIndex) { return cutting(epoch, kReconstruction); },
                {.threads = 1});
  (void)loader.next(1);
  (void)loader.next(1);
  EXPECT_EQ(loader.replaced(), (std::map<RecordProblem, int64_t>{{RecordProblem::kTooLong, 2}}));
  EXPECT_TRUE(loader.bad_records().empty());
}

TEST(ExampleMaker, ATargetThatIsMissingIsZeros) {
  const ExampleMaker make = recorded_maker(0, {.on_bad_record = OnBadRecord::kReference});
  const Example example = make(0, {0, 17});  // "its target is missing"
  EXPECT_FALSE(example.target_valid);
  EXPECT_THAT(example.target_CHW, ::testing::Each(0.0F));
  EXPECT_EQ(example.target_CHW.size(), 3U * 64 * 64);
}

}  // namespace
}  // namespace mentor
