#include "mentor/core/error.h"
#include "mentor/eval/rubric.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

#include <cstdlib>

namespace mentor {
namespace {

using testing::HasSubstr;

TEST(Rubric, OursSaysThatItIsNotComparable) {
  const Rubric rubric = load_rubric({});
  EXPECT_EQ(rubric.label, "own rubric: not comparable");
  EXPECT_EQ(&rubric.of(RatingTask::kCp, Category::kAnimal), &rubric.subject);
  EXPECT_EQ(&rubric.of(RatingTask::kCp, Category::kStyle), &rubric.style);
  EXPECT_EQ(&rubric.of(RatingTask::kPf, Category::kStyle), &rubric.text);
  for (const RubricTexts* texts : {&rubric.subject, &rubric.style, &rubric.text}) {
    EXPECT_THAT(texts->user, HasSubstr("Score: N"));
    EXPECT_THAT(texts->assistant, HasSubstr("Score: N"));
  }
}

TEST(Rubric, ChangedFilesAreNotOfficial) {
  const TempDir dir;
  EXPECT_THAT([&] { (void)load_rubric(dir.path()); },
              testing::ThrowsMessage<DataError>(
                  HasSubstr("user_prompt_subject_full.txt: missing: evaluate.judge.prompts")));
  for (const char* kind : {"subject", "style", "text"}) {
    for (const char* turn : {"user", "gpt"}) {
      write_text(dir.path() / (std::string(turn) + "_prompt_" + kind + "_full.txt"),
                 std::string(turn) + " " + kind);
    }
  }
  const Rubric rubric = load_rubric(dir.path());
  EXPECT_EQ(rubric.label, "changed prompt files: not comparable");
  EXPECT_EQ(rubric.style.user, "user style");
  EXPECT_EQ(rubric.text.assistant, "gpt text");
  EXPECT_NE(rubric.text.sha256, rubric.style.sha256);
}

// The files are not ours to distribute: MENTOR_DREAMBENCH_PROMPTS names a copy.
TEST(Rubric, TheOfficialFilesAreOfficial) {
  const char* folder = std::getenv("MENTOR_DREAMBENCH_PROMPTS");
  if (folder == nullptr) GTEST_SKIP() << "MENTOR_DREAMBENCH_PROMPTS names no copy of the prompts";
  EXPECT_EQ(load_rubric(folder).label, kOfficialRubric);
}

}  // namespace
}  // namespace mentor
