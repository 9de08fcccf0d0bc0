#include "support/evaluate_run.h"

#include <gtest/gtest.h>

#include <functional>

namespace mentor {
namespace {

using testing::HasSubstr;

using EvaluateValidate = EvaluateRun;

TEST_F(EvaluateValidate, ValidatesACompleteSet) {
  const ProgramResult result = run("validate");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("data: 3 subjects, 27 prompts; not DreamBench++"));
  EXPECT_THAT(result.out, HasSubstr("27 of 27 pictures with reference and text"));
  put_file(dir_ / "samples/text/object_00_toy_00/4_0.txt", "A cat");
  put_file(object_ / "5_0.jpg", encode_jpeg(Image(16, 24)));
  EXPECT_THAT(run("validate").out, testing::AllOf(HasSubstr("1 texts differ from the data set"),
                                                  HasSubstr("1 pictures are not square")));
}

TEST_F(EvaluateValidate, ValidatesAPartOfASet) {
  fs::remove(object_ / "3_0.jpg");
  const ProgramResult result = run("validate", {"allow_partial=true"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("26 of 27 pictures"));
  EXPECT_THAT(result.out, HasSubstr("tgt_image/object_00_toy_00/3_0.jpg: missing"));
  EXPECT_EQ(run("validate", {"categories=[animal, style]"}).exit_code, 0);
}

TEST_F(EvaluateValidate, NamesAllThatIsMissingOrDamaged) {
  for (const char* name : {"2_0.jpg", "7_0.jpg"}) fs::remove(object_ / name);
  put_file(object_ / "8_0.jpg", "not a picture");
  const ProgramResult missing = run("validate");
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, testing::AllOf(HasSubstr("3 problems"),
                                          HasSubstr("object_00_toy_00/2_0.jpg: missing"),
                                          HasSubstr("object_00_toy_00/7_0.jpg: missing"),
                                          HasSubstr("object_00_toy_00/8_0.jpg: not a picture")));
  const ProgramResult part = run("validate", {"allow_partial=true"});
  EXPECT_EQ(part.exit_code, 0) << part.err;
  EXPECT_THAT(part.out, testing::AllOf(HasSubstr("24 of 27 pictures"),
                                       HasSubstr("object_00_toy_00/8_0.jpg: not a picture")));
  put_file(dir_ / "data/images/object/00.jpg", "not a picture");
  expect_one_message(run("validate", {"allow_partial=true"}), "images/object/00.jpg");
}

TEST_F(EvaluateValidate, SaysOnceWhatIsWrong) {
  struct Case {
    const char* name;
    std::function<void()> spoil;
    std::vector<std::string> settings;
    const char* message;
  };
  const fs::path captions = dir_.path() / "data/captions/object/00.txt";
  const Case cases[] = {
      {"missing captions",
       [&] { fs::remove(captions); },
       {},
       "00.txt: missing, but there is 00.jpg"},
      {"8 prompts",
       [&] { put_file(captions, "toy 00\na\nb\nc\nd\ne\nf\ng\nh\n"); },
       {},
       "object/00.txt: 8 prompts, not 9"},
      {"corrupt JPEG",
       [&] {
         const std::string bytes = read_text(object_ / "0_0.jpg");
         put_file(object_ / "0_0.jpg", bytes.substr(0, bytes.size() / 2));
       },
       {},
       "tgt_image/object_00_toy_00/0_0.jpg"},
      {"no data set",
       [] {},
       {"dataset=nowhere"},
       "nowhere/images: no such folder: the data set is"},
      {"no samples", [] {}, {"samples=nowhere"}, "nowhere/src_image: no such folder: samples are"},
      {"nothing named", [] {}, {"samples="}, "evaluate.samples: is not set: name the folder of"},
      {"no category",
       [] {},
       {"categories=[plant]"},
       "evaluate.categories[0]: must be animal | human | object | style, not 'plant'"},
      {"more samples", [] {}, {"categories=[human]"}, "holds no subject of the chosen categories"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    fs::remove_all(dir_ / "data");
    fs::remove_all(dir_ / "samples");
    draw();
    c.spoil();
    expect_one_message(run("validate", c.settings), c.message);
  }
}

TEST_F(EvaluateValidate, RefusesSamplesOfAnotherDataSet) {
  for (const char* part : {"src_image", "tgt_image", "text"}) {
    fs::rename(dir_ / "samples" / part / "object_00_toy_00",
               dir_ / "samples" / part / "object_00_teapot");
  }
  const ProgramResult result = run("validate", {"allow_partial=true"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("src_image/object_00_teapot: of another subject than in the"));
}

}  // namespace
}  // namespace mentor
