#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/judge.h"
#include "mentor/image/image_io.h"
#include "mentor/toy/captions.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

#include <chrono>

namespace mentor {
namespace {

using testing::HasSubstr;

class OracleJudgeTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path draw(const std::string& caption, const std::string& name) const {
    return draw(parse_caption(caption), name);
  }
  [[nodiscard]] fs::path draw(const Scene& scene, const std::string& name) const {
    const fs::path file = dir_ / "samples/tgt_image/object_00_star" / (name + ".png");
    write_image(file, paint_scene(scene, 64).image);
    return file;
  }
  [[nodiscard]] static Question question(RatingTask task, const fs::path& reference,
                                         const fs::path& generated, const std::string& caption) {
    Question question;
    question.key.task = task;
    question.reference = reference;
    question.generated = generated;
    question.caption = caption;
    return question;
  }
  static std::vector<Attempt> rate(const std::vector<Question>& questions) {
    std::vector<Attempt> attempts;
    make_oracle_judge()->rate(questions, [&](const Attempt& attempt, bool last) {
      EXPECT_TRUE(last);
      attempts.push_back(attempt);
    });
    return attempts;
  }

  TempDir dir_;
};

TEST_F(OracleJudgeTest, RatesWhatIsRight) {
  const fs::path reference =
      draw("a large red and white striped star in a meadow in the middle", "reference");
  struct Case {
    const char* drawn;
    int64_t cp, pf;
    const char* words;
  };
  const std::string prompt = "a small star at night at the top left";
  const Case cases[] = {
      {"a small red and white striped star at night at the top left", 4, 4, "pattern right"},
      {"a large red and white striped star in a meadow in the middle", 4, 0, "background wrong"},
      {"a small red and white dotted star at night on the left", 3, 3, "pattern wrong"},
      {"a small blue and orange striped star by a brick wall at the top left", 1, 3,
       "first colour wrong"},
      {"a small red and white striped heart at night at the top left", 0, 4, "shape wrong"},
      {"two red and white striped stars at night at the top", 4, 3, "number wrong"},
  };
  std::vector<Question> questions;
  for (size_t i = 0; i < std::size(cases); ++i) {
    const fs::path picture = draw(cases[i].drawn, format("{}_0", i));
    questions.push_back(question(RatingTask::kCp, reference, picture, prompt));
    questions.push_back(question(RatingTask::kPf, {}, picture, prompt));
  }
  const std::vector<Attempt> attempts = rate(questions);
  ASSERT_EQ(attempts.size(), 2 * std::size(cases));
  for (size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE(cases[i].drawn);
    EXPECT_EQ(attempts[2 * i].score, cases[i].cp) << attempts[2 * i].answer;
    EXPECT_EQ(attempts[2 * i + 1].score, cases[i].pf) << attempts[2 * i + 1].answer;
    EXPECT_THAT(attempts[2 * i].answer + attempts[2 * i + 1].answer, HasSubstr(cases[i].words));
    EXPECT_EQ(attempts[2 * i].judge.rubric, "oracle of the toy world: not comparable");
  }
  EXPECT_THAT(attempts[4].answer,
              HasSubstr("Reference: red and white striped star. Seen: red and white dotted star at "
                        "night. shape right, first colour right, second colour right, pattern "
                        "wrong. Score: 3"));
}

// A copy of the reference is the subject's, whatever stands beside it there.
TEST_F(OracleJudgeTest, TheSubjectIsWhatThePromptNames) {
  Scene scene = parse_caption("a small red and white striped star in a meadow at the top left");
  const Scene beside = parse_caption("a small blue and orange dotted fish at night on the right");
  scene.distractor = beside.objects.front();
  const fs::path reference = draw(scene, "reference");
  const fs::path other = draw(beside, "0_0");
  const std::vector<Attempt> attempts =
      rate({question(RatingTask::kCp, reference, reference, "a star at night"),
            question(RatingTask::kCp, reference, other, "a star at night"),
            question(RatingTask::kCp, reference, other, "a fish at night")});
  EXPECT_EQ(attempts[0].score, 4) << attempts[0].answer;
  EXPECT_EQ(attempts[1].score, 0) << attempts[1].answer;
  EXPECT_EQ(attempts[2].score, 4) << attempts[2].answer;
}

TEST_F(OracleJudgeTest, NamesTheFileThatIsNoneOfTheToyWorld) {
  const fs::path star = draw("a small red and white striped star at night", "3_0");
  const fs::path grey = dir_ / "samples/src_image/object_00_star/3_0.png";
  write_image(grey, Image(64, 64));
  EXPECT_THAT([&] { rate({question(RatingTask::kPf, {}, star, "a cat on a sofa")}); },
              testing::ThrowsMessage<DataError>(testing::AllOf(
                  HasSubstr("samples/text/object_00_star/3_0.txt: the toy world has no 'cat'"),
                  HasSubstr("judge.kind oracle reads the toy world only"))));
  EXPECT_THAT([&] { rate({question(RatingTask::kCp, grey, star, "a star at night")}); },
              testing::ThrowsMessage<DataError>(
                  HasSubstr("src_image/object_00_star/3_0.png: no star of the toy world is seen")));
  EXPECT_THAT([&] { rate({question(RatingTask::kCp, star, star, "a fish at night")}); },
              testing::ThrowsMessage<DataError>(HasSubstr("no fish of the toy world is seen")));
  EXPECT_EQ(rate({question(RatingTask::kCp, star, grey, "a star at night")})[0].score, 0);
}

TEST_F(OracleJudgeTest, ReadsManyPicturesASecond) {
  constexpr int kPictures = 200;
  std::vector<Question> questions;
  for (int i = 0; i < kPictures; ++i) {
    const Identity identity = identity_of(14 * i);
    const fs::path picture = draw("a large " + identity_words(identity), format("{}_0", i));
    questions.push_back(question(RatingTask::kCp, picture, picture, "an object"));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (const Attempt& attempt : rate(questions)) EXPECT_EQ(attempt.score, 4) << attempt.answer;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f pictures/s\n", kPictures / seconds.count());
  EXPECT_LT(seconds.count(), 20);
}

}  // namespace
}  // namespace mentor
