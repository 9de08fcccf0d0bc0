#include "mentor/core/error.h"
#include "mentor/eval/sample_prompt.h"

#include <gmock/gmock.h>

#include <set>

namespace mentor {
namespace {

Subject subject(const std::string& name, const std::string& prompt, int64_t index = 0) {
  Subject subject{.key = {.index = index}, .name = name, .image = {}};
  subject.prompts.fill(prompt);
  return subject;
}

TEST(SamplePrompt, HasTheTemplateThatIsAskedFor) {
  struct Case {
    const char *name, *subject, *caption, *prompt;
  };
  const Case cases[] = {
      {"subject", "cat", "a cat at night", "The cat in <image>.\na cat at night"},
      {"caption", "cat", "a cat at night", "<image>\na cat at night"},
      {"replace", "cat", "a cat at night", "a <image> at night"},
      {"replace", "piggy bank", "two coins, a piggy bank", "two coins, a <image>"},
      // Twice, never, in another word, in another case: as the template "subject".
      {"replace", "cat", "a cat and a cat", "The cat in <image>.\na cat and a cat"},
      {"replace", "cat", "a dog", "The cat in <image>.\na dog"},
      {"replace", "cat", "a category", "The cat in <image>.\na category"},
      {"replace", "cat", "two cats", "The cat in <image>.\ntwo cats"},
      {"replace", "cat", "A Cat", "The cat in <image>.\nA Cat"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(sample_prompt(c.name, subject(c.subject, c.caption), 4), c.prompt) << c.name;
  }
}

TEST(SamplePrompt, HasASeedOfItsOwn) {
  std::set<uint64_t> seeds;
  for (const Category category : kCategories) {
    for (int64_t index = 0; index < 65; ++index) {
      for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
        seeds.insert(prompt_seed(42, {category, index}, prompt));
        seeds.insert(prompt_seed(43, {category, index}, prompt));
      }
    }
  }
  EXPECT_EQ(seeds.size(), 2u * 4 * 65 * 9);
  EXPECT_EQ(prompt_seed(42, {Category::kStyle, 3}, 1), prompt_seed(42, {Category::kStyle, 3}, 1));
}

TEST(SamplePrompt, TheOtherSubjectIsCalledDifferently) {
  Dataset dataset{.root = "data", .subjects = {}};
  for (const char* name : {"cat", "cat", "dog", "dog", "cat"}) {
    dataset.subjects.push_back(subject(name, "", std::ssize(dataset.subjects)));
  }
  const std::vector<Subject>& all = dataset.subjects;
  EXPECT_EQ(other_subject(dataset, all[0]).key.index, 2);
  EXPECT_EQ(other_subject(dataset, all[1]).key.index, 3);
  EXPECT_EQ(other_subject(dataset, all[2]).key.index, 4);
  EXPECT_EQ(other_subject(dataset, all[4]).key.index, 2);
  dataset.subjects.resize(2);
  EXPECT_THAT([&] { (void)other_subject(dataset, dataset.subjects[0]); },
              testing::ThrowsMessage<DataError>(testing::HasSubstr("all its subjects are called")));
}

}  // namespace
}  // namespace mentor
