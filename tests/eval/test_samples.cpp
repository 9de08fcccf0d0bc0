#include "mentor/eval/samples.h"
#include "support/drawn_dataset.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

namespace mentor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Samples : public testing::Test {
 protected:
  Samples() {
    draw_dataset(dir_ / "data", {{"object", 21}});
    std::vector<std::string> problems;
    dataset_ = read_dataset(dir_ / "data", {Category::kObject}, problems);
  }
  [[nodiscard]] SampleSet read(int64_t samples_per_prompt = 1) const {
    return read_samples(root_, dataset_, samples_per_prompt);
  }

  TempDir dir_;
  fs::path root_ = dir_ / "samples";
  Dataset dataset_;
};

TEST_F(Samples, AreFoundForEverySubjectPromptAndNumber) {
  draw_samples(root_, dataset_, 2);
  fs::rename(root_ / "tgt_image/object_03_toy_03/8_1.jpg",
             root_ / "tgt_image/object_03_toy_03/8_1.PNG");
  const SampleSet set = read(2);
  EXPECT_THAT(set.problems, IsEmpty());
  EXPECT_THAT(set.missing, IsEmpty());
  EXPECT_THAT(set.other_captions, IsEmpty());
  ASSERT_THAT(set.items, SizeIs(21 * 9 * 2));
  const SampleFiles& item = set.items[3 * 18 + 17];
  EXPECT_EQ(item.key.string(), "object_03-8_1");
  EXPECT_EQ(item.generated, root_ / "tgt_image/object_03_toy_03/8_1.PNG");
  EXPECT_EQ(item.caption, "A toy 03 in place 8");
  EXPECT_TRUE(item.complete());
}

TEST_F(Samples, KnowTheAliasOfObject20) {
  dataset_.subjects.back().name = "magic cube";
  draw_samples(root_, dataset_);
  for (const char* part : {"src_image", "tgt_image", "text"}) {
    fs::rename(root_ / part / "object_20_magic_cube", root_ / part / "object_20_rubik's_cube");
  }
  const SampleSet set = read();
  EXPECT_THAT(set.problems, IsEmpty());
  EXPECT_THAT(set.missing, IsEmpty());
}

TEST_F(Samples, NameWhatIsMissingAndWrong) {
  dataset_.subjects.resize(4);
  draw_samples(root_, dataset_);
  fs::remove(root_ / "src_image/object_00_toy_00/0_0.jpg");
  fs::remove(root_ / "tgt_image/object_01_toy_01/1_0.jpg");
  write_text(root_ / "text/object_02_toy_02/2_0.txt", " \n");
  write_text(root_ / "text/object_02_toy_02/3_0.txt", "\n A cat \nmore");
  fs::rename(root_ / "text/object_03_toy_03", root_ / "text/object_03_teapot");
  fs::create_directory(root_ / "text/notes");
  const SampleSet set = read();
  EXPECT_THAT(set.problems,
              ElementsAre(HasSubstr("object_03_teapot: of another subject than in the data set, "
                                    "where this number is object_03_toy_03")));
  ASSERT_THAT(set.missing, SizeIs(3 + 9));
  EXPECT_THAT(set.missing[0], HasSubstr("src_image/object_00_toy_00/0_0.jpg: missing"));
  EXPECT_THAT(set.missing[1], HasSubstr("tgt_image/object_01_toy_01/1_0.jpg: missing"));
  EXPECT_THAT(set.missing[2], HasSubstr("text/object_02_toy_02/2_0.txt: is empty"));
  EXPECT_THAT(set.other_captions,
              ElementsAre(HasSubstr("3_0.txt: 'A cat', where the data set has 'A toy 02 in")));
  EXPECT_FALSE(set.items[0].complete());
  fs::remove_all(root_ / "text");
  EXPECT_THAT(read().problems, ElementsAre(HasSubstr("text: no such folder: samples are")));
}

}  // namespace
}  // namespace mentor
