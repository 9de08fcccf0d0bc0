#include "mentor/core/error.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/sample_folder.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>

namespace mentor {
namespace {

using testing::HasSubstr;
using testing::Not;

class SampleFolderTest : public testing::Test {
 protected:
  [[nodiscard]] SampleFolderOptions options(int64_t rank = 0) const {
    return {
        .root = root_,
        .origin = {.settings = {{"method", "model"}, {"seed", "1"}}, .weights = {{"model", "abc"}}},
        .suffix = ".jpg",
        .rank = rank};
  }
  static SampleRecord record(const std::string& stem) {
    return {.subject = "object_00_cat",
            .stem = stem,
            .prompt = "The cat in <image>.\na cat",
            .seed = 7,
            .reference_sha256 = "def",
            .sha256 = {}};
  }
  static void add(SampleFolder& folder, const std::string& stem) {
    folder.add(record(stem), "picture " + stem, "reference", "a cat");
  }
  [[nodiscard]] static std::string error_of(const SampleFolderOptions& options) {
    try {
      const SampleFolder folder(options);
    } catch (const UserError& e) {
      return e.what();
    }
    return "no error";
  }

  TempDir dir_;
  fs::path root_ = dir_ / "samples";
};

TEST_F(SampleFolderTest, HasTheLayoutOfPublishedSamples) {
  SampleFolder folder(options());
  EXPECT_FALSE(folder.has(record("3_0")));
  add(folder, "3_0");
  folder.finish();
  EXPECT_EQ(read_text(root_ / "tgt_image/object_00_cat/3_0.jpg"), "picture 3_0");
  EXPECT_EQ(read_text(root_ / "src_image/object_00_cat/3_0.jpg"), "reference");
  EXPECT_EQ(read_text(root_ / "text/object_00_cat/3_0.txt"), "a cat");
  EXPECT_EQ(read_text(root_ / "negative_prompt.txt"), "");
  const auto manifest = nlohmann::json::parse(read_text(root_ / "manifest.json"));
  EXPECT_EQ(manifest.at("settings").at("seed"), "1");
  EXPECT_EQ(manifest.at("weights").at("model"), "abc");
  ASSERT_EQ(manifest.at("pictures").size(), 1u);
  const auto& line = manifest.at("pictures").at(0);
  EXPECT_EQ(line.at("seed"), 7);
  EXPECT_EQ(line.at("prompt"), "The cat in <image>.\na cat");
  EXPECT_EQ(line.at("sha256"), sha256_hex("picture 3_0"));
  int64_t entries = 0;
  for (const auto& entry : fs::directory_iterator(root_)) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("drawn")));
    ++entries;
  }
  EXPECT_EQ(entries, 5);
}

TEST_F(SampleFolderTest, KeepsWhatRanksHadDrawnBeforeTheyWereKilled) {
  {
    SampleFolder first(options(0)), second(options(1));
    add(first, "0_0");
    add(second, "1_0");
    add(second, "2_0");
  }
  std::ofstream(root_ / "drawn.1.jsonl", std::ios::app) << R"({"subject": "object_00_cat", "pic)";
  fs::remove(root_ / "text/object_00_cat/2_0.txt");
  const SampleFolder folder(options());
  EXPECT_TRUE(folder.has(record("0_0")));
  EXPECT_TRUE(folder.has(record("1_0")));
  EXPECT_FALSE(folder.has(record("2_0"))) << "its text is gone";
  EXPECT_FALSE(folder.has(record("3_0")));
}

TEST_F(SampleFolderTest, DrawsAgainWhatIsNoLongerTheSame) {
  {
    SampleFolder folder(options());
    add(folder, "0_0");
    folder.finish();
  }
  const SampleFolder folder(options());
  EXPECT_TRUE(folder.has(record("0_0")));
  const std::function<void(SampleRecord&)> changes[] = {
      [](SampleRecord& r) { r.seed = 8; }, [](SampleRecord& r) { r.prompt = "a dog"; },
      [](SampleRecord& r) { r.reference_sha256 = "other"; }};
  for (const auto& change : changes) {
    SampleRecord other = record("0_0");
    change(other);
    EXPECT_FALSE(folder.has(other));
  }
  write_text(root_ / "tgt_image/object_00_cat/0_0.jpg", "damaged");
  EXPECT_FALSE(folder.has(record("0_0")));
}

TEST_F(SampleFolderTest, RefusesPicturesOfAnotherOriginUnlessTheyMayGo) {
  {
    SampleFolder folder(options());
    add(folder, "0_0");
    folder.finish();
  }
  SampleFolderOptions other = options();
  other.origin.settings["seed"] = "2";
  other.origin.weights["model"] = "xyz";
  EXPECT_THAT(error_of(other),
              HasSubstr("samples: holds pictures drawn otherwise (seed was 1, is 2, weights.model "
                        "was abc, is xyz): name another evaluate.samples, or set "
                        "evaluate.generate.redraw=true"));
  EXPECT_TRUE(fs::exists(root_ / "tgt_image/object_00_cat/0_0.jpg"));
  other.redraw = true;
  {
    const SampleFolder folder(other);
    EXPECT_FALSE(folder.has(record("0_0")));
    EXPECT_FALSE(fs::exists(root_ / "tgt_image"));
  }
  EXPECT_EQ(error_of(other), "no error");
}

TEST_F(SampleFolderTest, NamesTheFirstOfManyDifferences) {
  { SampleFolder folder(options()); }
  SampleFolderOptions other = options();
  for (int i = 10; i < 30; ++i) other.origin.settings["a" + std::to_string(i)] = "x";
  EXPECT_THAT(error_of(other), HasSubstr("(a10 was absent, is x, a11 was absent"));
  EXPECT_THAT(error_of(other), HasSubstr("a17 was absent, is x and 12 more): name another"));
}

TEST_F(SampleFolderTest, TouchesNothingThatIsNotItsOwn) {
  write_text(root_ / "tgt_image/object_00_cat/0_0.jpg", "of somebody else");
  for (const bool redraw : {false, true}) {
    SampleFolderOptions some = options();
    some.redraw = redraw;
    EXPECT_THAT(error_of(some), HasSubstr("that 'mentor evaluate' did not draw"));
  }
  EXPECT_TRUE(fs::exists(root_ / "tgt_image/object_00_cat/0_0.jpg"));
  fs::remove_all(root_ / "tgt_image");
  write_text(root_ / "manifest.json", "{}");
  EXPECT_THAT(error_of(options()), HasSubstr("manifest.json: is no list of pictures that"));
  EXPECT_THAT(error_of(options()), Not(HasSubstr("delete"))) << "it may be another tool's";
}

TEST_F(SampleFolderTest, IsFilledByOneProgramAtATime) {
  const SampleFolder folder(options());
  EXPECT_THAT(error_of(options()), HasSubstr("another 'mentor evaluate' fills the folder"));
}

}  // namespace
}  // namespace mentor
