#include "mentor/app/toy_score.h"
#include "mentor/app/toy_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"
#include "support/check_markup.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace mentor {
namespace {

using ::testing::HasSubstr;

class ToyScoreTest : public ::testing::Test {
 protected:
  static constexpr int64_t kRecords = 24;

  void SetUp() override {
    RunConfig config;
    config.toy = {.size = 32, .records = kRecords, .seed = 4};
    std::ostringstream ignored;
    make_toy({.config = config, .split = Split::kHeldOut, .out = dir_ / "made"}, ignored);
    fs::create_directories(dir_ / "drawn");
  }
  static std::string file_name(int64_t number, const std::string& rest) {
    return format("{:06d}{}.png", number, rest);
  }
  /// Copies a picture of every record under another name.
  void draw(const std::string& role, const std::string& as) const {
    for (int64_t i = 0; i < kRecords; ++i) {
      fs::copy_file(dir_ / "made/pictures" / file_name(i, role), dir_ / "drawn" / file_name(i, as),
                    fs::copy_options::overwrite_existing);
    }
  }
  std::string run(const ToyScoreOptions& options) const {
    std::ostringstream out;
    score_toy(options, out);
    return out.str();
  }
  /// The page about the first records.
  std::string page_of(ToyScoreOptions wanted, int64_t count) const {
    wanted.report = dir_ / "report.html";
    wanted.count = count;
    (void)run(wanted);
    return read_text(*wanted.report);
  }
  ToyScoreOptions options(const std::string& folder = "drawn") const {
    return {.cases = dir_ / "made/subject.jsonl", .pictures = dir_ / folder};
  }
  nlohmann::json scores(ToyScoreOptions options) const {
    options.json = dir_ / "scores.json";
    (void)run(options);
    return nlohmann::json::parse(read_text(*options.json));
  }
  std::string error_of(const ToyScoreOptions& options) const {
    try {
      (void)run(options);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  TempDir dir_;
};

TEST_F(ToyScoreTest, WhatWasMadeIsPerfect) {
  const std::string table = run(options("made/pictures"));
  EXPECT_THAT(table, HasSubstr("24 pictures of 32 x 32 pixels"));
  for (const char* row : {"CP              1.000   1.000 - 1.000 ", "PF              1.000 ",
                          "untold CP       1.000 ", "place           1.000 "}) {
    EXPECT_THAT(table, HasSubstr(row));
  }
  ToyScoreOptions text = options("made/pictures");
  text.cases = dir_ / "made/text_to_image.jsonl";
  EXPECT_THAT(run(text), Not(HasSubstr("untold CP")));
}

TEST_F(ToyScoreTest, WhatWasMadeIsPerfectForEveryTask) {
  EXPECT_THAT(read_text(dir_ / "made/reconstruction.jsonl"), HasSubstr("\"distractor\":{"))
      << "nothing stands beside a subject";
  for (const char* task : {"text_to_image", "reconstruction", "recovery", "subject"}) {
    ToyScoreOptions of_task = options("made/pictures");
    of_task.cases = dir_ / "made" / format("{}.jsonl", task);
    const auto figures = scores(of_task).at("scores");
    EXPECT_EQ(figures.at("CP").at("low"), 1) << task;
    EXPECT_EQ(figures.at("PF").at("low"), 1) << task;
  }
}

TEST_F(ToyScoreTest, APictureHasItsRecordAndHowManyItShows) {
  draw("_reference", "");
  int wrong_numbers = 0;
  const nlohmann::json all = scores(options());
  for (const auto& picture : all.at("pictures")) {
    EXPECT_EQ(picture.at("record"), std::stoi(picture.at("file").get<std::string>()));
    const auto share = picture.at("number").get<double>();
    EXPECT_TRUE(share == 0 || share == 1) << picture;
    wrong_numbers += share == 0 ? 1 : 0;
  }
  EXPECT_GT(wrong_numbers, 0) << "two where one was asked for";
}

TEST_F(ToyScoreTest, CountsEverySampleOfARecord) {
  draw("_target", "_000");
  draw("_reference", "_001");
  write_text(dir_ / "drawn/000000_000.json", "{}");
  write_image(dir_ / "drawn/sheet.png", Image(8, 8));
  const nlohmann::json both = scores(options());
  ASSERT_EQ(both["pictures"].size(), 2 * kRecords);
  double sum = 0;
  for (const auto& picture : both["pictures"]) {
    const bool is_target = picture["file"].get<std::string>().ends_with("_000.png");
    EXPECT_TRUE(!is_target || picture["CP"] == 1) << picture;
    sum += picture["PF"].get<double>();
  }
  const auto& pf = both["scores"]["PF"];
  EXPECT_DOUBLE_EQ(pf["mean"].get<double>(), sum / (2 * kRecords));
  EXPECT_LT(pf["low"], pf["mean"]);
  EXPECT_LT(pf["mean"], pf["high"]);
  EXPECT_LT(pf["chance"], 0.4);
  EXPECT_EQ(both, scores(options())) << "the intervals are drawn from a fixed seed";
  ToyScoreOptions first = options();
  first.count = 3;
  EXPECT_EQ(scores(first)["pictures"].size(), 6u);
}

TEST_F(ToyScoreTest, DrawsASheet) {
  draw("_target", "");
  ToyScoreOptions with_sheet = options();
  with_sheet.sheet = dir_ / "sheet.png";
  with_sheet.count = 4;
  (void)run(with_sheet);
  EXPECT_EQ(read_image(*with_sheet.sheet).width, 8 * 200 + 8);
}

size_t count_pictures(const std::string& page) {
  size_t pictures = 0;
  for (size_t at = 0; (at = page.find("data:image/png", at)) != page.npos; ++at) ++pictures;
  return pictures;
}

TEST_F(ToyScoreTest, WritesAPage) {
  draw("_target", "");
  write_text(dir_ / "runs/stage2/metrics.jsonl", "");
  ToyScoreOptions with_page = options();
  with_page.report = dir_ / "report.html";
  with_page.runs = {dir_ / "runs/stage2"};
  with_page.count = 3;
  (void)run(with_page);
  const std::string page = read_text(*with_page.report);
  EXPECT_EQ(check_markup(page), "");
  EXPECT_THAT(page, HasSubstr("<dt>CP*PF</dt><dd>1.000</dd>"));
  const RecordFile records(with_page.cases);
  EXPECT_THAT(page, HasSubstr("<p>" + records.record(2).text + " <span"));
  EXPECT_THAT(page, HasSubstr("<a href=\"runs/stage2/report.html\">stage2</a>"));
  EXPECT_THAT(page, HasSubstr("<h1>Subjects that were never shown</h1>"));
  EXPECT_EQ(count_pictures(page), 3u * 4u) << "reference, drawn, seen, right";
}

TEST_F(ToyScoreTest, APageShowsWhatTheModelWasShown) {
  RunConfig config;
  config.toy = {.size = 64, .records = 2};
  std::ostringstream ignored;
  make_toy({.config = config, .split = Split::kTrain, .out = dir_ / "train"}, ignored);
  ToyScoreOptions trained = options("train/pictures");
  for (const char* task : {"text_to_image", "recovery"}) {
    trained.cases = dir_ / "train" / format("{}.jsonl", task);
    const std::string shown = page_of(trained, 2);
    EXPECT_EQ(check_markup(shown), "");
    EXPECT_THAT(shown, HasSubstr("<h1>Subjects that training shows</h1>"));
    EXPECT_THAT(shown, Not(HasSubstr("<b>reference</b>"))) << task;
    EXPECT_EQ(count_pictures(shown), 2u * 3u) << "drawn, seen, right";
  }
}

TEST_F(ToyScoreTest, OneRecordHasNothingToBeComparedWith) {
  const std::string shown = page_of(options("made/pictures"), 1);
  EXPECT_THAT(shown, HasSubstr("<td>CP</td><td>1.000</td><td>1.000 - 1.000</td><td>-</td>"));
  EXPECT_THAT(shown, Not(HasSubstr("nan")));
}

TEST_F(ToyScoreTest, PicturesMayHaveAnySize) {
  for (int64_t i = 0; i < kRecords; ++i) {
    const Image picture = read_image(dir_ / "made/pictures" / file_name(i, "_target"));
    write_image(dir_ / "drawn" / file_name(i, ""), resize(picture, {96, 96}, Filter::kNearest));
  }
  ToyScoreOptions large = options();
  large.sheet = dir_ / "sheet.png";
  EXPECT_THAT(page_of(large, 2), HasSubstr("<dt>CP*PF</dt><dd>1.000</dd>"));
}

TEST_F(ToyScoreTest, HasAFloor) {
  draw("_reference", "");
  ToyScoreOptions with_floor = options();
  with_floor.floor = 0.01;
  EXPECT_EQ(error_of(with_floor), "no error");
  with_floor.floor = 0.9;
  EXPECT_THAT(error_of(with_floor), HasSubstr("CP*PF is 0."));
  EXPECT_THAT(error_of(with_floor), HasSubstr("below the floor of 0.9"));
}

// A right shape is what the prompt names: by itself it raises CP, but nothing that is untold.
TEST_F(ToyScoreTest, HasAFloorForWhatOnlyTheReferenceTells) {
  draw("_reference", "");
  ToyScoreOptions with_floor = options();
  with_floor.floor_untold = 0.5;
  EXPECT_EQ(error_of(with_floor), "no error");
  for (int64_t i = 0; i < kRecords; ++i) {
    fs::copy_file(dir_ / "made/pictures" / file_name((i + 1) % kRecords, "_target"),
                  dir_ / "drawn" / file_name(i, ""), fs::copy_options::overwrite_existing);
  }
  EXPECT_THAT(error_of(with_floor), HasSubstr("untold CP is 0."));
  EXPECT_THAT(error_of(with_floor), HasSubstr("below the floor of 0.5"));
  with_floor.cases = dir_ / "made/text_to_image.jsonl";
  EXPECT_THAT(error_of(with_floor), HasSubstr("untold CP: the prompts name all of their subjects"));
}

TEST_F(ToyScoreTest, LooksAtEveryPathBeforeItReadsPictures) {
  draw("_target", "");
  write_text(dir_ / "drawn" / file_name(0, ""), "not a picture");
  ToyScoreOptions wrong = options();
  wrong.report = dir_ / "report.html";
  wrong.runs = {dir_ / "nothing"};
  EXPECT_THAT(error_of(wrong), HasSubstr("nothing/metrics.jsonl"));
  wrong.runs.clear();
  wrong.report = "/proc/none/report.html";
  EXPECT_THAT(error_of(wrong), HasSubstr("/proc/none: cannot write"));
  wrong.report = dir_ / "made";
  EXPECT_THAT(error_of(wrong), HasSubstr("made: is a folder, where a file is to be written"));
}

TEST_F(ToyScoreTest, SaysWhatIsWrong) {
  EXPECT_THAT(error_of(options("none")), HasSubstr("none: cannot read the folder"));
  EXPECT_THAT(error_of(options()), HasSubstr("drawn: holds no picture"));
  draw("_target", "_target");
  fs::remove(dir_ / "drawn" / file_name(7, "_target"));
  EXPECT_THAT(error_of(options()),
              HasSubstr("drawn: has no picture of 1 of 24 records, such as number 7: "
                        "000007_target.png or 000007.png"));
  draw("_target", "_target");
  const fs::path third = dir_ / "drawn" / file_name(3, "_target");
  write_image(third, Image(64, 64));
  EXPECT_THAT(error_of(options()), HasSubstr("000003_target.png: is 64 x 64 pixels, but "));
  write_image(third, Image(32, 64));
  EXPECT_THAT(error_of(options()), HasSubstr("is 32 x 64 pixels: pictures of the toy world are"));
  write_text(third, "not a picture");
  EXPECT_THAT(error_of(options()), HasSubstr("000003_target.png"));

  ToyScoreOptions other = options();
  other.cases = dir_ / "made/segmentation.jsonl";
  EXPECT_THAT(error_of(other), HasSubstr("segmentation.jsonl:1: a segmentation record asks"));
  other.cases = dir_ / "made/backgrounds.jsonl";
  EXPECT_THAT(error_of(other), HasSubstr("not a record that 'mentor toy make' wrote"));
  const std::string lines = read_text(dir_ / "made/subject.jsonl");
  write_text(dir_ / "twice.jsonl", lines + lines);
  other.cases = dir_ / "twice.jsonl";
  EXPECT_THAT(error_of(other), HasSubstr("twice.jsonl:25: a second record of number 0"));
}

}  // namespace
}  // namespace mentor
