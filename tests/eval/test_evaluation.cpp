#include "eval/evaluation_fixture.h"
#include "mentor/core/error.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/evaluation.h"
#include "mentor/eval/input.h"
#include "mentor/eval/question.h"
#include "mentor/eval/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const EvaluateConfig& config) {
  try {
    (void)load_evaluation(config);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Evaluation, ExpectsEveryItemOfTheRunsThatBegan) {
  JudgedFolder folder;
  folder.judge(2, [](const RatingKey& key) -> std::optional<int64_t> {
    if (key.item.prompt == 4) return {};
    return 3;
  });
  const Evaluation evaluation = load_evaluation(folder.config);
  EXPECT_EQ(evaluation.method, "samples");
  EXPECT_EQ(evaluation.runs, 2) << "of the three that the configuration asks for";
  EXPECT_EQ(evaluation.samples.size(), 5u * 9);
  const auto items = item_scores(evaluation);
  EXPECT_EQ(items.size(), 5u * 9 * 2 * 2);
  for (const auto& [key, score] : items) EXPECT_EQ(score.has_value(), key.item.prompt != 4);

  EvaluateConfig config = folder.config;
  config.tasks = {"cp"};
  config.judge.runs = 1;
  config.samples.clear();
  config.samples_per_prompt = 2;
  config.report.method = "Mine";
  const Evaluation less = load_evaluation(config);
  EXPECT_EQ(less.method, "Mine");
  EXPECT_EQ(item_scores(less).size(), 5u * 9 * 2) << "the second samples are not rated";
  EXPECT_TRUE(less.samples.empty());
}

TEST(Evaluation, SaysWhatIsWrong) {
  JudgedFolder folder;
  EXPECT_THAT(error_of(folder.config),
              HasSubstr("out/ratings.jsonl: no ratings yet: 'mentor evaluate judge' makes them"));
  const auto three = [](const RatingKey&) { return 3; };
  folder.judge(1, three);
  EvaluateConfig config = folder.config;
  config.dataset = folder.dir / "nothing";
  EXPECT_THAT(error_of(config), HasSubstr("nothing/images: no such folder"));
  config = folder.config;
  config.categories = {"human", "style"};
  EXPECT_THAT(error_of(config), HasSubstr("holds no subject of the chosen categories"));
  config = folder.config;
  folder.judge(
      ratings_file(folder.config.out), 2, [](const RatingKey& key) { return key.run == 0 ? 3 : 2; },
      "judge-2");
  config.out = folder.dir / "mixed";
  folder.judge(ratings_file(config.out), 1, three, "judge-1");
  Attempt other{.key = {RatingTask::kPf, 1, {}},
                .status = RatingStatus::kHttpError,
                .judge = {.model = "judge-2", .rubric = "official"}};
  RatingStore(ratings_file(config.out)).append(other);
  EXPECT_EQ(error_of(config), "no error") << "it gave no answer";
  other.status = RatingStatus::kRefused;
  RatingStore(ratings_file(config.out)).append(other);
  EXPECT_THAT(error_of(config),
              HasSubstr("ratings.jsonl: holds ratings of two judges, run 0 by 'judge-1' (own "
                        "rubric) and run 1 by 'judge-2' (official): give each its own "
                        "evaluate.out"));
  config.judge.runs = 1;
  EXPECT_EQ(error_of(config), "no error") << "of the first run";
  fs::remove(folder.config.dataset / "images/object/01.jpg");
  EXPECT_THAT(error_of(config), HasSubstr("images/object/01.jpg: missing"));
}

TEST(Evaluation, LeavesOutWhatIsNotChosen) {
  JudgedFolder folder;
  folder.judge(2, [](const RatingKey&) { return 3; });
  folder.judge(people_file(folder.config.out, "Ada"), 1, [](const RatingKey&) { return 2; });
  {
    SimilarityStore store(similarity_file(folder.config.out));
    for (const Subject& subject : folder.dataset.subjects) {
      Similarity similarity{.item = {.subject = subject.key}};
      // Animals were measured by another network.
      const bool is_animal = subject.key.category == Category::kAnimal;
      similarity.of(Metric::kDino) = {50, {"dino", "ViT-S/8", is_animal ? "00" : "11", "fp32"}};
      store.append(similarity);
    }
  }
  folder.config.samples.clear();
  EXPECT_THROW((void)conclude(load_evaluation(folder.config), folder.config), DataError);
  folder.config.categories = {"object"};
  folder.config.tasks = {"cp"};
  folder.config.judge.runs = 1;
  const Evaluation evaluation = load_evaluation(folder.config);
  EXPECT_EQ(evaluation.ratings.size(), 3u * 9);
  EXPECT_EQ(evaluation.people.at("Ada").size(), 3u * 9);
  EXPECT_EQ(evaluation.similarities.size(), 3u);
  EXPECT_EQ(conclude(evaluation, folder.config).likeness.metrics.size(), 1u);
}

/// With what a judge and a network saw of the files as they are.
class SeenFolder : public JudgedFolder {
 public:
  SeenFolder() {
    config.judge.runs = 1;
    RatingStore store(ratings_file(config.out));
    SimilarityStore likeness(similarity_file(config.out));
    const JudgeIdentity judge{.model = "judge", .parameters = "{}", .rubric = "own rubric"};
    for (const Question& question :
         wanted_ratings(config, read_input(config).items, load_rubric({}), judge)) {
      Attempt attempt = question.attempt(judge);
      attempt.score = 3;
      store.append(attempt);
      if (question.key.task == RatingTask::kPf) continue;
      Similarity similarity{.item = question.key.item,
                            .reference_sha256 = question.reference_sha256,
                            .generated_sha256 = question.generated_sha256,
                            .caption = question.caption};
      similarity.of(Metric::kClipI) = {80, {"clip", "ViT-B/32", "00", "fp32"}};
      similarity.of(Metric::kClipT) = {30, {"clip", "ViT-B/32", "00", "fp32"}};
      likeness.append(similarity);
    }
  }
  [[nodiscard]] fs::path file(const std::string& part, const std::string& name) const {
    return config.samples / part / dataset.subjects[1].collection_id() / name;
  }
  /// Scores of CP, of PF, CLIP-I and CLIP-T that there are.
  [[nodiscard]] std::array<int64_t, 4> counts() const {
    const Evaluation evaluation = load_evaluation(config);
    std::array<int64_t, 4> counts{};
    for (const auto& [key, score] : item_scores(evaluation)) {
      counts.at(static_cast<size_t>(key.task)) += score.has_value();
    }
    for (const auto& [item, similarity] : evaluation.similarities) {
      counts[2] += similarity.of(Metric::kClipI).has_value();
      counts[3] += similarity.of(Metric::kClipT).has_value();
    }
    return counts;
  }
};

TEST(Evaluation, TakesNoScoreOfAPictureThatWasReplaced) {
  const SeenFolder folder;
  EXPECT_THAT(folder.counts(), ElementsAre(45, 45, 45, 45));
  const fs::path picture = folder.file("tgt_image", "3_0.jpg");
  const std::string bytes = read_text(picture);
  put_file(picture, encode_jpeg(Image(8, 8)));
  EXPECT_THAT(folder.counts(), ElementsAre(44, 44, 44, 44));
  const Evaluation evaluation = load_evaluation(folder.config);
  const Attempt& open =
      evaluation.ratings.at({RatingTask::kCp, 0, {folder.dataset.subjects[1].key, 3, 0}});
  EXPECT_EQ(open.status, RatingStatus::kMissing);
  EXPECT_THAT(open.error, HasSubstr("was replaced since it was rated"));
  put_file(folder.file("src_image", "4_0.jpg"), encode_jpeg(Image(8, 8)));
  EXPECT_THAT(folder.counts(), ElementsAre(43, 44, 43, 44));
  put_file(folder.file("text", "5_0.txt"), "Something else");
  EXPECT_THAT(folder.counts(), ElementsAre(43, 43, 43, 43));
  put_file(picture, bytes);
  EXPECT_THAT(folder.counts(), ElementsAre(44, 44, 44, 44));
}

TEST(Evaluation, TakesNoScoreOfPeopleAboutAPictureThatWasReplaced) {
  const SeenFolder folder;
  {
    RatingStore store(people_file(folder.config.out, "Ada"));
    for (const SampleFiles& files : read_input(folder.config).items) {
      Attempt rating{.key = {RatingTask::kCp, 0, files.key},
                     .score = 2,
                     .judge = {.model = "Ada", .rubric = "imported"}};
      // The pictures of prompt 8 were rated on an older page.
      if (files.key.prompt < 8) rating.generated_sha256 = sha256_hex(read_text(files.generated));
      store.append(rating);
    }
  }
  const auto scores = [&folder] {
    const Ratings ratings = load_evaluation(folder.config).people.at("Ada");
    return std::ranges::count_if(
        ratings, [](const auto& rating) { return rating.second.score.has_value(); });
  };
  EXPECT_EQ(scores(), 45);
  put_file(folder.file("tgt_image", "3_0.jpg"), encode_jpeg(Image(8, 8)));
  put_file(folder.file("tgt_image", "8_0.jpg"), encode_jpeg(Image(8, 8)));
  EXPECT_EQ(scores(), 44);
}

TEST(Evaluation, TakesTheRatingsOfAJudgeThatMoved) {
  JudgedFolder folder;
  folder.judge(1, [](const RatingKey&) { return 3; });
  Attempt moved = read_attempts(ratings_file(folder.config.out)).front();
  moved.key.run = 1;
  moved.judge.host = "10.0.0.7";
  RatingStore(ratings_file(folder.config.out)).append(moved);
  EXPECT_EQ(load_evaluation(folder.config).judge.model, "judge-1");
}

TEST(Evaluation, IsOfTheJudgeThatAnswered) {
  const RatingKey first = {RatingTask::kCp, 0, {}}, second = {RatingTask::kPf, 0, {}};
  Ratings ratings;
  ratings[first] = {.status = RatingStatus::kHttpError, .judge = {.model = "misspelt"}};
  EXPECT_EQ(only_judge(ratings, "out").model, "misspelt") << "for want of others";
  ratings[second] = {.score = 3, .judge = {.model = "judge-1"}};
  EXPECT_EQ(only_judge(ratings, "out").model, "judge-1");
}

TEST(Evaluation, IsByOneRubric) {
  Ratings ratings;
  const auto add = [&](RatingTask task, Category category, const std::string& rules,
                       RatingStatus status = RatingStatus::kRefused) {
    const RatingKey key = {task, std::ssize(ratings), {{category, 0}, 0, 0}};
    ratings[key] = {.status = status, .judge = {.model = "judge-1"}, .prompt_sha256 = rules};
  };
  add(RatingTask::kCp, Category::kAnimal, "aa");
  add(RatingTask::kCp, Category::kObject, "aa");
  add(RatingTask::kCp, Category::kStyle, "bb");
  add(RatingTask::kPf, Category::kStyle, "cc");
  add(RatingTask::kPf, Category::kObject, "cc");
  add(RatingTask::kPf, Category::kObject, "");  // imported
  add(RatingTask::kPf, Category::kObject, "dd", RatingStatus::kMissing);
  EXPECT_EQ(only_judge(ratings, "out").model, "judge-1");
  add(RatingTask::kPf, Category::kAnimal, "dd");
  EXPECT_THAT(
      [&] { (void)only_judge(ratings, "out"); },
      testing::ThrowsMessage<DataError>(HasSubstr(
          "out: holds ratings by two rubrics (SHA-256 of the rules on 'text': cc and dd)")));
}

constexpr const char* kPublishedParameters =
    R"({"temperature": 1.0, "seed": 0, "image_size": 512, "jpeg_quality": 75, "detail": "high",
        "assistant_turn": true, "join_images": false, "max_completion_tokens": 0,
        "extra_body": {}})";

TEST(Evaluation, SaysWhyItIsNotComparable) {
  Evaluation evaluation{
      .method = "m",
      .runs = 3,
      .judge = {
          .model = "gpt-4o-2024-05-13", .parameters = kPublishedParameters, .rubric = "official"}};
  for (const Category category : kCategories) {
    for (int64_t index = 0; index < published_subjects(category); ++index) {
      evaluation.dataset.subjects.push_back({.key = {category, index}});
    }
  }
  EXPECT_THAT(why_not_comparable(evaluation), ElementsAre());
  evaluation.judge = {.model = "qwen", .rubric = "own rubric: not comparable"};
  evaluation.dataset.subjects.pop_back();
  EXPECT_THAT(
      why_not_comparable(evaluation),
      ElementsAre("another judge: qwen, not gpt-4o-2024-05-13", "own rubric: not comparable",
                  "another data set: 149 subjects, not the 150 of DreamBench++"));

  evaluation = {.method = "m",
                .runs = 1,
                .samples_per_prompt = 2,
                .judge = {.model = "gpt-4o-2024-05-13",
                          .parameters = R"({"temperature": 1.0, "image_size": 256, "detail": "low",
                                            "join_images": true, "assistant_turn": false,
                                            "extra_body": {}})",
                          .rubric = "official"}};
  EXPECT_THAT(why_not_comparable(evaluation),
              ElementsAre("another protocol: assistant_turn false, not true",
                          "another protocol: detail \"low\", not \"high\"",
                          "another protocol: image_size 256, not 512",
                          "another protocol: join_images true, not false",
                          "runs of the judge: 1, not 3", "pictures of each prompt: 2, not 1",
                          "another data set: 0 subjects, not the 150 of DreamBench++"));
}

TEST(Evaluation, NamesWhatTheProtocolDoesNotSay) {
  Evaluation evaluation{.runs = 3,
                        .judge = {.model = "gpt-4o-2024-05-13",
                                  .parameters = R"({"temperature": 1.0, "seed": null,
                                                    "max_completion_tokens": 50})",
                                  .rubric = "official"}};
  const RatingKey first = {RatingTask::kCp, 0, {}}, second = {RatingTask::kPf, 0, {}};
  evaluation.ratings[first] = {.score = 3, .parser = "lenient"};
  evaluation.ratings[second] = {.score = 3, .parser = "strict"};
  EXPECT_THAT(why_not_comparable(evaluation),
              ElementsAre("another protocol: max_completion_tokens 50, not 0",
                          "another protocol: no seed with each question",
                          "another protocol: the rule that read 1 scores: lenient, not strict",
                          HasSubstr("another data set: 0 subjects")));
}

TEST(Evaluation, MeasuresAgreement) {
  JudgedFolder folder;
  // The judge is the same in both runs; a person says its opposite for CP and nothing else.
  folder.judge(2, [](const RatingKey& key) { return key.item.prompt % 5; });
  folder.judge(people_file(folder.config.out, "Ada"), 1,
               [](const RatingKey& key) -> std::optional<int64_t> {
                 if (key.task == RatingTask::kPf) return {};
                 return 4 - key.item.prompt % 5;
               });
  folder.judge(people_file(folder.config.out, "Ben"), 1,
               [](const RatingKey& key) { return key.item.prompt % 5; });
  const auto all = agreements(load_evaluation(folder.config));
  struct Row {
    std::string between;
    RatingTask task;
    double pearson;
  };
  const Row rows[] = {
      {"runs of the judge", RatingTask::kCp, 1}, {"judge and Ada", RatingTask::kCp, -1},
      {"judge and Ben", RatingTask::kCp, 1},     {"people", RatingTask::kCp, -1},
      {"runs of the judge", RatingTask::kPf, 1}, {"judge and Ben", RatingTask::kPf, 1}};
  ASSERT_EQ(all.size(), std::size(rows));
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].between, rows[i].between);
    EXPECT_EQ(all[i].task, rows[i].task);
    EXPECT_EQ(all[i].items, 45);
    EXPECT_NEAR(all[i].pearson.value(), rows[i].pearson, 1e-12);
    if (rows[i].pearson > 0) {
      EXPECT_NEAR(all[i].alpha.value(), 1, 1e-12);
    } else {
      EXPECT_LT(all[i].alpha.value(), -0.5);
    }
  }
}

TEST(Evaluation, ChecksTheJudgeWhereTheAnswerIsKnown) {
  JudgedFolder folder;
  EvaluationReportConfig config;
  Evaluation evaluation{.dataset = folder.dataset,
                        .judge = {.model = "judge-1", .rubric = "own rubric"}};
  EXPECT_TRUE(judge_checks(config, evaluation).empty());
  config.identity = folder.dir / "identity";
  config.mismatched = folder.dir / "mismatched";
  folder.judge(ratings_file(config.identity), 1, [](const RatingKey&) { return 4; });
  folder.judge(ratings_file(config.mismatched), 1,
               [](const RatingKey& key) { return key.item.prompt == 0 ? 1 : 0; });
  auto checks = judge_checks(config, evaluation);
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks[0].table[Cell::kCp].value, 1);
  EXPECT_EQ(checks[1].table[Cell::kCp].value, 0.028);
  EXPECT_EQ(checks[1].expected, "CP near 0");
  EXPECT_EQ(checks[1].table.coverage(), 1);
  // Killed when half of a second run was rated.
  const Attempt one = read_attempts(ratings_file(config.mismatched)).front();
  RatingStore(ratings_file(config.mismatched))
      .append({.key = {RatingTask::kCp, 1, one.key.item}, .score = 0, .judge = one.judge});
  checks = judge_checks(config, evaluation);
  EXPECT_EQ(checks[1].table.rated(), 91);
  EXPECT_EQ(checks[1].table.expected(), 180);
  evaluation.judge.model = "judge-2";
  EXPECT_THROW((void)judge_checks(config, evaluation), DataError);
}

}  // namespace
}  // namespace mentor
