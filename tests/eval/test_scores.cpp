#include "eval/score_fixture.h"
#include "mentor/core/error.h"
#include "mentor/core/random.h"
#include "mentor/eval/published.h"
#include "mentor/eval/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

namespace mentor {
namespace {

constexpr BootstrapOptions kFewDraws = {.draws = 400};

double value(const ScoreTable& table, Cell cell) { return table[cell].value.value_or(kNoScore); }

/// A different score for everything, 0 to 4.
int64_t some_score(const RatingKey& key) {
  const auto& [subject, prompt, sample] = key.item;
  return static_cast<int64_t>(
      stream_seed(5, task_name(key.task),
                  {static_cast<uint64_t>(key.run), static_cast<uint64_t>(subject.category),
                   static_cast<uint64_t>(subject.index), static_cast<uint64_t>(prompt)}) %
      5);
}

TEST(Scores, CellsByHand) {
  // Two animals and one object: CP 4 and 2 for the animals, 1 for the object; PF by prompt.
  const auto items = make_scores({{Category::kAnimal, 2}, {Category::kObject, 1}}, 1,
                                 [](const RatingKey& key) -> std::optional<int64_t> {
                                   const auto& [subject, prompt, sample] = key.item;
                                   if (key.task == RatingTask::kPf) {
                                     return prompt < 4 ? 4 : prompt < 7 ? 2 : 1;
                                   }
                                   if (subject.category == Category::kObject) return 1;
                                   return subject.index == 0 ? 4 : 2;
                                 });
  const ScoreTable table = aggregate(items, kFewDraws);
  const std::pair<Cell, double> cells[] = {
      {Cell::kAnimal, 0.75},
      {Cell::kObject, 0.25},
      {Cell::kCp, 0.583},  // 7 / 12
      {Cell::kPhotorealistic, 1},
      {Cell::kPromptStyle, 0.5},
      {Cell::kImaginative, 0.25},
      {Cell::kPf, 0.667},               // (4 + 1.5 + 0.5) / 9
      {Cell::kProduct, 0.583 * 0.667},  // of rounded means: 0.389, not 0.38888...
      {Cell::kRatio, 0.583 / 0.667},
  };
  for (const auto& [cell, expected] : cells) {
    EXPECT_DOUBLE_EQ(value(table, cell), expected) << key_of(cell);
  }
  for (const Cell none : {Cell::kHuman, Cell::kStyle}) {
    EXPECT_FALSE(table[none].value) << "no such subject: n/a, not 0";
    EXPECT_FALSE(table[none].interval);
    EXPECT_EQ(table[none].expected, 0);
  }
  EXPECT_DOUBLE_EQ(table[Cell::kAnimal].interval.value().low, 0.5);
  EXPECT_DOUBLE_EQ(table[Cell::kAnimal].interval.value().high, 1);
  EXPECT_FALSE(table[Cell::kObject].interval) << "of one subject nothing can be drawn";
  EXPECT_DOUBLE_EQ(table[Cell::kPf].interval.value().low, 6.0 / 9) << "all subjects alike";
  EXPECT_FALSE(table[Cell::kCp].deviation) << "a single run";
  EXPECT_EQ(table.coverage(), 1);
  EXPECT_EQ(table.subjects, 3);
}

TEST(Scores, OfOneTaskHaveNoProduct) {
  std::vector<ItemScore> items =
      make_scores({{Category::kObject, 2}}, 1, [](const RatingKey&) { return 3; });
  std::erase_if(items, [](const ItemScore& item) { return item.key.task == RatingTask::kPf; });
  items.front().score.reset();
  const ScoreTable table = aggregate(items, kFewDraws);
  EXPECT_EQ(value(table, Cell::kCp), 0.75);
  EXPECT_EQ(table.rated(), 17);
  EXPECT_EQ(table.expected(), 18);
  EXPECT_DOUBLE_EQ(table.coverage(), 17.0 / 18);
  for (const Cell none : {Cell::kPf, Cell::kPhotorealistic, Cell::kProduct, Cell::kRatio}) {
    EXPECT_EQ(table[none].expected, 0) << key_of(none);
    EXPECT_FALSE(table[none].value);
    EXPECT_FALSE(table[none].interval);
  }
}

TEST(Scores, RunsAreAveragedAndTheirDeviationIsApart) {
  // Runs of CP 1, 2, 3 (of 4): 0.25, 0.5, 0.75; PF is 4 always.
  const auto items = make_scores({{Category::kStyle, 2}}, 3, [](const RatingKey& key) {
    return key.task == RatingTask::kCp ? key.run + 1 : 4;
  });
  const ScoreTable table = aggregate(items, kFewDraws);
  EXPECT_EQ(table.runs, 3);
  EXPECT_DOUBLE_EQ(value(table, Cell::kCp), 0.5);
  EXPECT_DOUBLE_EQ(table[Cell::kCp].deviation.value(), 0.25);
  EXPECT_DOUBLE_EQ(table[Cell::kPf].deviation.value(), 0);
  EXPECT_DOUBLE_EQ(table[Cell::kProduct].deviation.value(), 0.25);
  EXPECT_DOUBLE_EQ(table[Cell::kCp].interval.value().low, 0.5) << "runs are not drawn";
}

TEST(Scores, InvariantsOfTheFullDataSet) {
  const ScoreTable table = aggregate(make_scores(kPublishedSubjects, 2, some_score), kFewDraws);
  const auto of = [&](Cell cell) { return value(table, cell); };
  EXPECT_NEAR(of(Cell::kCp),
              (45 * of(Cell::kAnimal) + 20 * of(Cell::kHuman) + 65 * of(Cell::kObject) +
               20 * of(Cell::kStyle)) /
                  150,
              0.001);
  EXPECT_NEAR(
      of(Cell::kPf),
      (4 * of(Cell::kPhotorealistic) + 3 * of(Cell::kPromptStyle) + 2 * of(Cell::kImaginative)) / 9,
      0.001);
  EXPECT_DOUBLE_EQ(of(Cell::kProduct), of(Cell::kCp) * of(Cell::kPf));
  EXPECT_EQ(table[Cell::kProduct].expected, 2 * 2 * 1350);
  EXPECT_EQ(table[Cell::kHuman].expected, 2 * 180);
  for (const CellScore& cell : table.cells) {
    EXPECT_LT(cell.interval.value().low, cell.value.value());
    EXPECT_GT(cell.interval.value().high, cell.value.value());
    EXPECT_NEAR(cell.bounds.low, cell.value.value(), 0.003) << "nothing is missing";
    EXPECT_NEAR(cell.bounds.high, cell.value.value(), 0.003);
  }
}

TEST(Scores, InvariantsOfThePublishedLeaderboard) {
  for (const PublishedRow& row : published_tables().front().rows) {
    const auto of = [&](Cell cell) { return row.cells.at(static_cast<size_t>(cell)); };
    EXPECT_NEAR(of(Cell::kCp),
                (45 * of(Cell::kAnimal) + 20 * of(Cell::kHuman) + 65 * of(Cell::kObject) +
                 20 * of(Cell::kStyle)) /
                    150,
                0.0006)
        << row.method;
    EXPECT_NEAR(
        of(Cell::kPf),
        (4 * of(Cell::kPhotorealistic) + 3 * of(Cell::kPromptStyle) + 2 * of(Cell::kImaginative)) /
            9,
        0.0006)
        << row.method;
    EXPECT_NEAR(of(Cell::kProduct), of(Cell::kCp) * of(Cell::kPf), 0.0006) << row.method;
  }
}

TEST(Scores, MissingItemsAreBounded) {
  // One of four CP items in ten is missing; all others have 3.
  const auto items =
      make_scores({{Category::kObject, 4}}, 1, [](const RatingKey& key) -> std::optional<int64_t> {
        if (key.task == RatingTask::kCp && key.item.prompt == 0) return {};
        return 3;
      });
  const ScoreTable table = aggregate(items, kFewDraws);
  EXPECT_DOUBLE_EQ(table.coverage(), 68.0 / 72);
  const CellScore& cp = table[Cell::kCp];
  EXPECT_EQ(cp.rated, 32);
  EXPECT_EQ(cp.expected, 36);
  EXPECT_DOUBLE_EQ(cp.value.value(), 0.75);
  EXPECT_DOUBLE_EQ(cp.bounds.low, 8 * 3 / 36.0);
  EXPECT_DOUBLE_EQ(cp.bounds.high, (8 * 3 + 4) / 36.0);
  EXPECT_DOUBLE_EQ(table[Cell::kProduct].bounds.low, 0.75 * 8 * 3 / 36.0);
  EXPECT_DOUBLE_EQ(table[Cell::kPf].bounds.high, 0.75);
  EXPECT_DOUBLE_EQ(table[Cell::kRatio].bounds.low, 8 * 3 / 36.0 / 0.75);
  EXPECT_DOUBLE_EQ(table[Cell::kRatio].bounds.high, (8 * 3 + 4) / 36.0 / 0.75);
}

TEST(Scores, NothingRatedIsNoScore) {
  const ScoreTable table =
      aggregate(make_scores({{Category::kAnimal, 2}}, 1,
                            [](const RatingKey&) { return std::optional<int64_t>(); }),
                kFewDraws);
  EXPECT_FALSE(table[Cell::kCp].value);
  EXPECT_FALSE(table[Cell::kProduct].value);
  EXPECT_FALSE(table[Cell::kProduct].interval);
  EXPECT_FALSE(table[Cell::kRatio].value);
  EXPECT_EQ(table.coverage(), 0);
  EXPECT_DOUBLE_EQ(table[Cell::kProduct].bounds.low, 0);
  EXPECT_DOUBLE_EQ(table[Cell::kProduct].bounds.high, 1);
}

TEST(Scores, TenThousandDrawsAreQuick) {
  const auto items = make_scores(kPublishedSubjects, 1, some_score);
  const auto start = std::chrono::steady_clock::now();
  const ScoreTable table = aggregate(items);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(table[Cell::kProduct].interval);
  EXPECT_LT(seconds.count(), 5) << "about 0.1 s on a free core";
}

/// Subjects differ much, methods little: drawn together, a small difference is seen.
TEST(Scores, ComparesByPairsOfSubjects) {
  const auto subject_score = [](const RatingKey& key) { return key.item.subject.index % 4; };
  const auto first = make_scores({{Category::kAnimal, 40}}, 1, subject_score);
  const auto second = make_scores({{Category::kAnimal, 40}}, 1, [&](const RatingKey& key) {
    return subject_score(key) + (key.item.prompt == 0 ? 1 : 0);
  });
  const auto cells = compare(first, second, kFewDraws);
  const CellDifference& cp = cells[static_cast<size_t>(Cell::kCp)];
  EXPECT_DOUBLE_EQ(cp.first.value(), 0.375);
  EXPECT_DOUBLE_EQ(cp.second.value(), 0.403);
  EXPECT_NEAR(cp.difference.value(), 0.028, 1e-12);
  EXPECT_NEAR(cp.interval.value().low, 1 / 36.0, 1e-12) << "each subject gains the same";
  EXPECT_NEAR(cp.interval.value().high, 1 / 36.0, 1e-12);
  EXPECT_FALSE(cells[static_cast<size_t>(Cell::kHuman)].difference);
  for (const CellDifference& none : compare(first, first, kFewDraws)) {
    EXPECT_EQ(none.difference.value_or(0), 0);
    EXPECT_EQ(none.interval.value_or(Interval{}).high, 0);
  }
}

TEST(Scores, ComparesTheSameSubjectsOnly) {
  const auto three = [](const RatingKey&) { return 3; };
  const auto few = make_scores({{Category::kHuman, 2}}, 1, three);
  const auto more = make_scores({{Category::kHuman, 3}}, 1, three);
  const auto message = [](const auto& first, const auto& second) -> std::string {
    try {
      (void)compare(first, second, kFewDraws);
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(few, more),
            "subject human 02 belongs to the second method only: compare methods over the same "
            "subjects");
  EXPECT_THAT(message(more, few), testing::HasSubstr("the first method only"));
}

}  // namespace
}  // namespace mentor
