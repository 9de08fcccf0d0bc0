#include "mentor/core/filesystem.h"
#include "mentor/image/image_io.h"
#include "support/mentor_program.h"
#include "support/one_message.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

TEST(ToyCommand, EveryFileItMakesPassesTheCheck) {
  const TempDir dir;
  const std::string made = (dir / "made").string();
  const ProgramResult make =
      mentor({"toy", "make", "--count", "30", "--seed", "7", "--size", "64", "--out", made});
  ASSERT_EQ(make.exit_code, 0) << make.err;
  EXPECT_THAT(make.out, testing::HasSubstr("120 pictures and masks of 64 x 64 pixels"));
  std::vector<std::string> check = {"data", "check",         "--limit",
                                    "0",    "--backgrounds", made + "/backgrounds.jsonl"};
  for (const char* task :
       {"text_to_image", "reconstruction", "segmentation", "recovery", "subject"}) {
    check.push_back(made + "/" + task + ".jsonl");
  }
  const ProgramResult checked = mentor(check);
  EXPECT_EQ(checked.exit_code, 0) << checked.out;
  expect_one_message(mentor({"toy", "make", "--out", made}), "made: exists already");
  const ProgramResult nowhere = mentor({"toy", "make", "--out", "/proc/none/made"});
  expect_one_message(nowhere, "error: /proc/none/made: cannot create");
  expect_one_message(mentor({"toy", "make", "--out", ""}), "error: --out is empty");
}

TEST(ToyCommand, ShowsPairsAndCaptions) {
  const TempDir dir;
  const std::string file = (dir / "sheet.png").string();
  ASSERT_EQ(mentor({"toy", "show", "--count", "4", "--held-out", "--out", file}).exit_code, 0);
  EXPECT_GT(read_image(file).width, 1500);
  ASSERT_EQ(mentor({"toy", "show", "-p", "a red and white striped star", "-p",
                    "two blue and pink dotted fish at night", "--out", file})
                .exit_code,
            0);
  EXPECT_LT(read_image(file).width, 600);
  expect_one_message(mentor({"toy", "show", "-p", "a cyan and red striped star", "--out", file}),
                     "the toy world has no 'cyan'");
  expect_one_message(mentor({"toy", "show", "-p", "3 red and white striped stars", "--out", file}),
                     "the toy world has no '3': try");
  expect_one_message(mentor({"toy", "show", "-p", "", "--out", file}),
                     "'': a subject has a shape, a pattern and two colours");
  expect_one_message(mentor({"toy", "show", "--size", "48", "--out", file}),
                     "toy.size: must be 32, 64 or 128, not 48");
  expect_one_message(mentor({"toy", "show", "--set", "toy.identities=529", "--out", file}),
                     "toy.identities: is 529, but the palette 'small' has 528 for training");
  expect_one_message(mentor({"toy", "show", "--out", "/proc/none/sheet.png"}), "/proc/none");
}

TEST(ToyCommand, ScoresPictures) {
  const TempDir dir;
  const std::string made = (dir / "made").string(), cases = made + "/subject.jsonl";
  const std::string json = (dir / "scores.json").string(), sheet = (dir / "seen.png").string();
  ASSERT_EQ(mentor({"toy", "make", "--count", "12", "--held-out", "--out", made}).exit_code, 0);
  const ProgramResult scored = mentor({"toy", "score", "--cases", cases, made + "/pictures",
                                       "--count", "8", "--json", json, "--out", sheet});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_THAT(scored.out, testing::HasSubstr("8 pictures of 32 x 32 pixels"));
  EXPECT_GT(read_image(sheet).width, 1000);
  EXPECT_THAT(read_text(json), testing::HasSubstr("\"all right\""));
  expect_one_message(mentor({"toy", "score", "--cases", cases, made + "/backgrounds"}),
                     "has no picture of 12 of 12 records");
  expect_one_message(mentor({"toy", "score", "--cases", cases, made}), "holds no picture");
}

TEST(ToyCommand, BenchTellsHowFastItIsDrawnAndRead) {
  const ProgramResult result =
      mentor({"bench", "toy", "--size", "64", "--samples", "10", "--runs", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto figures = nlohmann::json::parse(result.out);
  EXPECT_EQ(figures.at("bench"), "toy");
  EXPECT_EQ(figures.at("size"), "64");
  for (const char* figure : {"drawn_pictures_per_s", "read_pictures_per_s"}) {
    EXPECT_GT(figures.at(figure).at("min"), 0) << figure;
    EXPECT_EQ(figures.at(figure).at("n"), 2) << figure;
  }
}

TEST(ToyCommand, TrainsATokenizer) {
  const TempDir dir;
  const std::string file = (dir / "spiece.model").string();
  ASSERT_EQ(mentor({"toy", "tokenizer", "--out", file}).exit_code, 0);
  const ProgramResult seen =
      mentor({"tokenize", "--tokenizer", file, "--set", "model.prompt.image_token_id=300",
              "--prompt", "The stars in <image>."});
  EXPECT_EQ(seen.exit_code, 0) << seen.err;
  EXPECT_THAT(seen.out, testing::HasSubstr("stars"));
}

}  // namespace
}  // namespace mentor
