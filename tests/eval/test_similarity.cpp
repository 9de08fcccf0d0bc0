#include "mentor/core/error.h"
#include "mentor/eval/similarity.h"
#include "support/drawn_dataset.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::ThrowsMessage;

const Checkpoint kVit{"dino.pth", "ViT-S/8", "00ff", "fp32"};

Similarity measured(int64_t prompt, double value, const Checkpoint& checkpoint = kVit) {
  Similarity similarity{.item = {.subject = {Category::kObject, 0}, .prompt = prompt},
                        .reference_sha256 = "aa",
                        .generated_sha256 = "bb",
                        .caption = "Ünlike \"it\""};
  similarity.of(Metric::kDino) = {value, checkpoint};
  return similarity;
}

TEST(SimilarityStore, KeepsAllAndTheLastLineCounts) {
  const TempDir dir;
  const fs::path file = similarity_file(dir / "out");
  {
    SimilarityStore store(file);
    store.append(measured(3, -5.59));
    store.append(measured(3, 61.25));
    EXPECT_THAT(store.all(), SizeIs(1));
  }
  const Similarities all = read_similarities(file);
  ASSERT_THAT(all, SizeIs(1));
  const Similarity& similarity = all.begin()->second;
  EXPECT_EQ(similarity.item, measured(3, 0).item);
  EXPECT_EQ(similarity.caption, "Ünlike \"it\"");
  EXPECT_EQ(similarity.generated_sha256, "bb");
  EXPECT_EQ(similarity.of(Metric::kDino)->value, 61.25);
  EXPECT_EQ(similarity.of(Metric::kDino)->checkpoint, kVit);
  EXPECT_FALSE(similarity.of(Metric::kClipI));
  EXPECT_THAT(read_similarities(dir / "none.jsonl"), IsEmpty());
}

TEST(SimilarityStore, CutsHalfALineAndRefusesADamagedOne) {
  const TempDir dir;
  const fs::path file = dir / "similarity.jsonl";
  { SimilarityStore(file).append(measured(0, 1)); }
  put_file(file, read_text(file) + "{\"category\": \"obj");
  EXPECT_THAT(read_similarities(file), SizeIs(1));
  { SimilarityStore(file).append(measured(1, 2)); }
  EXPECT_THAT(read_similarities(file), SizeIs(2));
  put_file(file, read_text(file) + "{\"category\": \"shoe\"}\n");
  EXPECT_THAT([&] { (void)read_similarities(file); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("similarity.jsonl:3: is no similarity"),
                                             HasSubstr("remove the line"))));
}

TEST(Checkpoints, OfOneMetricMustBeOne) {
  const TempDir dir;
  SimilarityStore store(dir / "similarity.jsonl");
  store.append(measured(0, 1));
  EXPECT_EQ(checkpoints_of(store.all(), "f").at(static_cast<size_t>(Metric::kDino)), kVit);
  EXPECT_EQ(checkpoints_of(store.all(), "f").at(static_cast<size_t>(Metric::kClipT)), std::nullopt);
  Checkpoint other = kVit;
  other.sha256 = "11";
  store.append(measured(1, 1, other));
  EXPECT_THAT([&] { (void)checkpoints_of(store.all(), "f"); },
              ThrowsMessage<DataError>(HasSubstr("f: DINO comes from two networks")));
}

TEST(CopyMetric, IsDinoWhereThereIsOne) {
  Similarities all;
  EXPECT_EQ(copy_metric(all), std::nullopt);
  Similarity similarity = measured(0, 1);
  similarity.of(Metric::kDino).reset();
  similarity.of(Metric::kClipI) = {70, kVit};
  all.emplace(similarity.item, similarity);
  EXPECT_EQ(copy_metric(all), Metric::kClipI);
  all.begin()->second.of(Metric::kDinov2) = {70, kVit};
  EXPECT_EQ(copy_metric(all), Metric::kDinov2);
  all.begin()->second.of(Metric::kDino) = {70, kVit};
  EXPECT_EQ(copy_metric(all), Metric::kDino);
}

TEST(ExportSimilarities, WritesTheFilesOfThePublishedCode) {
  const TempDir dir;
  draw_dataset(dir / "data", {{"object", 1}});
  std::vector<std::string> problems;
  const Dataset dataset = read_dataset(dir / "data", {Category::kObject}, problems);
  Similarities all;
  for (const int64_t prompt : {1, 0}) {
    all.emplace(measured(prompt, 0).item, measured(prompt, 50.5 + static_cast<double>(prompt)));
  }
  const auto files = export_similarities(all, dataset, dir / "out");
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(files.front(), dir / "out" / "dino_scores_v1.json");
  const auto json = nlohmann::json::parse(read_text(files.front()));
  EXPECT_EQ(json, (nlohmann::json{{"object_00_toy_00-0_0", 50.5}, {"object_00_toy_00-1_0", 51.5}}));
}

}  // namespace
}  // namespace mentor
