#include "mentor/core/error.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/input.h"
#include "mentor/eval/judging.h"
#include "mentor/eval/similarity.h"
#include "support/drawn_dataset.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class SimilarityJudging : public testing::Test {
 protected:
  SimilarityJudging() {
    draw_dataset(dir_ / "data", {{"object", 1}});
    std::vector<std::string> problems;
    draw_samples(dir_ / "samples", read_dataset(dir_ / "data", {Category::kObject}, problems));
    config_.dataset = dir_ / "data";
    config_.samples = dir_ / "samples";
    config_.out = dir_ / "out";
    config_.categories = {"object"};
    config_.judge.kind = "similarity";
    config_.judge.prompts = dir_ / "no_such_prompts";  // thresholds need no words
    config_.judge.runs = 1;
  }

  /// Every picture has DINO 20 + 10 p and CLIP-T 25.
  void measure() {
    SimilarityStore store(similarity_file(config_.out));
    for (const SampleFiles& files : read_input(config_).items) {
      Similarity similarity{.item = files.key,
                            .reference_sha256 = sha256_hex(read_text(files.reference)),
                            .generated_sha256 = sha256_hex(read_text(files.generated)),
                            .caption = files.caption};
      similarity.of(Metric::kDino) = {20 + 10 * static_cast<double>(files.key.prompt),
                                      {"dino.pth", "ViT-S/8", "00", "fp32"}};
      similarity.of(Metric::kClipT) = {25, {"clip", "ViT-B/32", "11", "fp32"}};
      store.append(similarity);
    }
  }
  JudgingState judge() { return judge_samples(config_, read_input(config_).items); }
  [[nodiscard]] Attempt attempt(RatingTask task, int64_t prompt) const {
    return last_attempts(read_attempts(ratings_file(config_.out)))
        .at({.task = task, .item = {.subject = {Category::kObject, 0}, .prompt = prompt}});
  }

  TempDir dir_;
  EvaluateConfig config_;
};

TEST_F(SimilarityJudging, RatesByThresholds) {
  measure();
  EXPECT_EQ(judge().count(RatingStatus::kOk), 18);
  for (int64_t p = 0; p < kPromptsPerSubject; ++p) {
    const double dino = 20 + 10 * static_cast<double>(p);
    const int64_t by_hand = (dino >= 22) + (dino >= 44) + (dino >= 65) + (dino >= 87);
    EXPECT_EQ(attempt(RatingTask::kCp, p).score, by_hand);
  }
  EXPECT_EQ(attempt(RatingTask::kPf, 0).score, 1);
  EXPECT_EQ(attempt(RatingTask::kCp, 3).answer, "DINO 50.00\nScore: 2");
  EXPECT_EQ(attempt(RatingTask::kCp, 3).judge.rubric, "similarity: not comparable");
  EXPECT_EQ(attempt(RatingTask::kCp, 3).judge.model,
            "similarity: DINO of dino.pth, CLIP-T of clip");
}

TEST_F(SimilarityJudging, SaysWhatIsMissing) {
  EXPECT_THAT([&] { judge(); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("similarity.jsonl: no similarities yet"),
                                             HasSubstr("mentor evaluate embed"))));
  measure();
  config_.judge.similarity.cp_metric = "clip_i";
  EXPECT_THAT([&] { judge(); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("has no CLIP-I, which CP is made of"),
                                             HasSubstr("set evaluate.embed.clip"))));
  config_.judge.similarity = {.dino = {1, 2, 2, 3}};
  EXPECT_THAT([&] { judge(); },
              ThrowsMessage<ConfigError>(
                  HasSubstr("evaluate.judge.similarity.dino: needs four ascending values")));
  config_.judge.similarity = {};
  put_file(dir_ / "samples/tgt_image/object_00_toy_00/0_0.jpg", encode_jpeg(Image(17, 16)));
  EXPECT_THAT([&] { judge(); },
              ThrowsMessage<DataError>(HasSubstr("2 of 18 ratings have no similarity")));
}

TEST_F(SimilarityJudging, OtherThresholdsAreAnotherJudge) {
  measure();
  judge();
  config_.judge.similarity.clip_t = {1, 2, 3, 4};
  EXPECT_THAT([&] { judge(); }, ThrowsMessage<UserError>(HasSubstr("ratings of another judge")));
}

TEST_F(SimilarityJudging, LooksAtTheChosenPicturesAlone) {
  measure();
  {  // the rest of an earlier time, by another network
    SimilarityStore store(similarity_file(config_.out));
    Similarity other{.item = {.subject = {Category::kStyle, 0}}};
    other.of(Metric::kDino) = {50, {"old.pth", "ViT-S/16", "22", "fp32"}};
    store.append(other);
  }
  EXPECT_EQ(judge().count(RatingStatus::kOk), 18);
}

}  // namespace
}  // namespace mentor
