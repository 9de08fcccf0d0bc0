#include "mentor/core/error.h"
#include "mentor/eval/similarity_scores.h"

#include <gmock/gmock.h>

namespace mentor {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Checkpoint kClip{"clip-vit-base-patch32", "ViT-B/32", "00", "fp32"};

/// Subject s has CLIP-I 10 s for its first four prompts and 10 s + 9 for the others.
Similarities steps(const std::vector<SubjectKey>& subjects) {
  Similarities all;
  double base = 0;
  for (const SubjectKey& subject : subjects) {
    for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
      Similarity similarity{.item = {.subject = subject, .prompt = prompt}};
      similarity.of(Metric::kClipI) = {base + (prompt < 4 ? 0 : 9), kClip};
      all.emplace(similarity.item, similarity);
    }
    base += 10;
  }
  return all;
}

LikenessTable table_of(const Similarities& all, const CopyThresholds& copies = {}) {
  return likeness_table(all, {.draws = 500}, copies, "similarity.jsonl");
}

TEST(LikenessTable, MeansAreOverPictures) {
  const LikenessTable table =
      table_of(steps({{Category::kAnimal, 0}, {Category::kAnimal, 1}, {Category::kStyle, 0}}));
  ASSERT_THAT(table.metrics, SizeIs(1));
  const LikenessRow& row = table.metrics.front().row;
  EXPECT_EQ(row.key, "clip_i");
  EXPECT_DOUBLE_EQ(*row[PictureGroup::kAll].value, 10 + 5);  // 9 x 5 of 9
  EXPECT_DOUBLE_EQ(*row[PictureGroup::kAnimal].value, 5 + 5);
  EXPECT_DOUBLE_EQ(*row[PictureGroup::kStyle].value, 20 + 5);
  EXPECT_DOUBLE_EQ(*row[PictureGroup::kPhotorealistic].value, 10);
  EXPECT_DOUBLE_EQ(*row[PictureGroup::kImaginative].value, 19);
  EXPECT_EQ(row[PictureGroup::kHuman].value, std::nullopt);
  EXPECT_EQ(row[PictureGroup::kAll].pictures, 27);
}

TEST(LikenessTable, IntervalsAreThoseOfSubjectsWithinTheirCategory) {
  const LikenessTable table =
      table_of(steps({{Category::kAnimal, 0}, {Category::kAnimal, 1}, {Category::kStyle, 0}}));
  const LikenessRow& row = table.metrics.front().row;
  ASSERT_TRUE(row[PictureGroup::kAnimal].interval);
  EXPECT_DOUBLE_EQ(row[PictureGroup::kAnimal].interval->low, 5);    // the first animal twice
  EXPECT_DOUBLE_EQ(row[PictureGroup::kAnimal].interval->high, 15);  // the second
  EXPECT_FALSE(row[PictureGroup::kStyle].interval);                 // a single subject
}

TEST(LikenessTable, CopiesReachTheThreshold) {
  const auto share = [](double threshold) {
    const LikenessTable table =
        table_of(steps({{Category::kAnimal, 0}, {Category::kObject, 0}}), {.clip_i = threshold});
    EXPECT_EQ(table.copies->metric, Metric::kClipI);
    return *table.copies->row[PictureGroup::kAll].value;
  };
  EXPECT_DOUBLE_EQ(share(0), 100);
  EXPECT_DOUBLE_EQ(share(19), 100.0 * 5 / 18);
  EXPECT_DOUBLE_EQ(share(19.5), 0);
}

// Different photos of one thing have a CLIP-I of 88: what is a copy by DINO is none by CLIP-I.
TEST(LikenessTable, EachMetricHasItsOwnThresholdOfCopies) {
  Similarities all;
  Similarity similarity{.item = {.subject = {Category::kAnimal, 0}}};
  similarity.of(Metric::kClipI) = {93, kClip};
  all.emplace(similarity.item, similarity);
  LikenessTable table = table_of(all);
  EXPECT_EQ(table.copies->threshold, 95);
  EXPECT_EQ(table.copies->row[PictureGroup::kAll].value, 0);
  for (const Metric metric : {Metric::kDinov2, Metric::kDino}) {
    all.begin()->second.of(metric) = {93, {"dino", "ViT-S/8", "00", "fp32"}};
    table = table_of(all);
    EXPECT_EQ(table.copies->metric, metric);
    EXPECT_EQ(table.copies->threshold, 90);
    EXPECT_EQ(table.copies->row[PictureGroup::kAll].value, 100);
  }
}

TEST(LikenessTable, NothingMeasuredIsNothing) {
  EXPECT_THAT(table_of({}).metrics, IsEmpty());
  EXPECT_FALSE(table_of({}).copies);
}

TEST(PublishedLikeness, SaysWhereNetworksDiffer) {
  ASSERT_THAT(published_likeness(), SizeIs(2));
  EXPECT_THAT(published_likeness()[0].rows, SizeIs(7));
  const PublishedLikenessTable& older = published_likeness()[1];
  EXPECT_EQ(older.remark, "other data set: not comparable");
  EXPECT_EQ(older.rows[0].text(older.rows[0].dino_i), "70.853 ± 0.327");
  EXPECT_EQ(older.rows[1].text(older.rows[1].clip_t), "30.8");
  MetricLikeness ours{.metric = Metric::kClipI, .checkpoint = kClip};
  EXPECT_EQ(published_remark(ours), "");
  ours.checkpoint = {"clip-vit-large-patch14", "ViT-L/14", "00", "fp32"};
  EXPECT_THAT(published_remark(ours),
              HasSubstr("other checkpoint: theirs is CLIP ViT-B/32, ours clip-vit-large-patch14"));
  ours.metric = Metric::kDino;
  EXPECT_THAT(published_remark(ours), HasSubstr("may be another checkpoint"));
}

}  // namespace
}  // namespace mentor
