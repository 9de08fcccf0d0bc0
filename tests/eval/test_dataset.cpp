#include "mentor/core/error.h"
#include "mentor/eval/dataset.h"
#include "support/drawn_dataset.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

namespace mentor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<Category> kAll(kCategories.begin(), kCategories.end());
const std::map<std::string, int64_t> kFour = {
    {"live_subject/animal", 2}, {"live_subject/human", 1}, {"object", 2}, {"style", 1}};

TEST(Dataset, ReadsSubjectsInTheOrderOfTheirIds) {
  const TempDir dir;
  draw_dataset(dir.path(), kFour);
  write_text(dir / "captions/object/01.txt",
             "Cotton-top Teddy\r\n  a \nb\nc\nd\ne\nf\ng\nh\n i\n\n\n");
  std::vector<std::string> problems;
  const Dataset dataset = read_dataset(dir.path(), kAll, problems);
  EXPECT_THAT(problems, IsEmpty());
  std::vector<std::string> ids;
  for (const Subject& subject : dataset.subjects) ids.push_back(subject.collection_id());
  EXPECT_THAT(ids, ElementsAre("live_subject_animal_00_toy_00", "live_subject_animal_01_toy_01",
                               "live_subject_human_00_toy_00", "object_00_toy_00",
                               "object_01_cotton-top_teddy", "style_00_toy_00"));
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  const Subject* teddy = dataset.find({Category::kObject, 1});
  ASSERT_NE(teddy, nullptr);
  EXPECT_EQ(teddy->prompts.front(), "a");
  EXPECT_EQ(teddy->prompts.back(), "i");
  EXPECT_EQ(dataset.find({Category::kObject, 2}), nullptr);
  EXPECT_FALSE(dataset.has_published_size());
  EXPECT_EQ(read_dataset(dir.path(), {Category::kStyle}, problems).subjects.size(), 1);
  EXPECT_EQ(
      read_dataset(dir.path(), {Category::kObject, Category::kObject}, problems).subjects.size(),
      2);
}

TEST(Dataset, KnowsThePublishedSize) {
  Dataset dataset;
  for (const Category category : kCategories) {
    for (int64_t i = 0; i < published_subjects(category); ++i) {
      dataset.subjects.push_back({.key = {category, i}});
    }
  }
  EXPECT_EQ(dataset.subjects.size(), 150);
  EXPECT_TRUE(dataset.has_published_size());
}

TEST(Dataset, NamesEveryDefect) {
  const TempDir dir;
  draw_dataset(dir.path(), {{"object", 5}});
  fs::remove(dir / "captions/object/00.txt");
  fs::remove(dir / "images/object/01.jpg");
  write_text(dir / "captions/object/02.txt", "toy\na\nb\nc\nd\ne\nf\ng\nh\n");
  write_text(dir / "captions/object/03.txt", "toy\na\nb\n\nd\ne\nf\ng\nh\ni\n");
  write_text(dir / "images/object/cat.jpg", "");
  std::vector<std::string> problems;
  const Dataset dataset = read_dataset(dir.path(), kAll, problems);
  EXPECT_EQ(dataset.subjects.size(), 1);
  EXPECT_THAT(problems, testing::UnorderedElementsAre(
                            HasSubstr("captions/object/00.txt: missing, but there is 00.jpg"),
                            HasSubstr("images/object/01.jpg: missing, but there is 01.txt"),
                            HasSubstr("captions/object/02.txt: 8 prompts, not 9"),
                            HasSubstr("captions/object/03.txt:4: the line is empty"),
                            HasSubstr("cat.jpg: is not called by a number")));
  problems.clear();
  EXPECT_THAT(read_dataset(dir / "images", kAll, problems).subjects, IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("images/images: no such folder: the data set is")));
}

TEST(Dataset, TakesCollectionIdsApart) {
  const auto id = parse_collection_id("live_subject_animal_26_cotton-top_tamarin");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->subject, (SubjectKey{Category::kAnimal, 26}));
  EXPECT_EQ(id->slug, "cotton-top_tamarin");
  for (const char* cube : {"object_20_magic_cube", "object_20_rubik's_cube"}) {
    EXPECT_EQ(parse_collection_id(cube)->subject, (SubjectKey{Category::kObject, 20})) << cube;
    EXPECT_TRUE(same_slug(parse_collection_id(cube)->slug, "magic_cube"));
  }
  EXPECT_FALSE(same_slug("magic_cube", "kitten"));
  for (const char* wrong :
       {"", "object", "object_", "object_ab_cat", "object_07", "plant_00_fern"}) {
    EXPECT_FALSE(parse_collection_id(wrong)) << wrong;
  }
}

TEST(Dataset, GroupsPrompts) {
  EXPECT_EQ(prompt_group(3), PromptGroup::kPhotorealistic);
  EXPECT_EQ(prompt_group(4), PromptGroup::kStyleTransfer);
  EXPECT_EQ(prompt_group(6), PromptGroup::kStyleTransfer);
  EXPECT_EQ(prompt_group(7), PromptGroup::kImaginative);
  EXPECT_EQ((ItemKey{.subject = {Category::kObject, 20}, .prompt = 3}).string(), "object_20-3_0");
  EXPECT_THROW((void)parse_category("plant"), ConfigError);
}

}  // namespace
}  // namespace mentor
