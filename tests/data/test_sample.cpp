#include "mentor/data/sample.h"
#include "mentor/image/image_io.h"
#include "mentor/text/tokenizer.h"
#include "support/golden.h"
#include "support/temp_dir.h"
#include "support/u8_safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

namespace mentor {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class RecordedSamples : public ::testing::Test {
 protected:
  SampleOptions options_of(const Json& test_case) const {
    const Json& given = test_case.at("options");
    return {.stage = given.at("do_recovery") ? Stage::kInstruction : Stage::kAlignment,
            .squash_image_list = given.value("do_central_crop", false),
            .image_size = config_.at("image_size")};
  }
  /// The draws that were scripted when the case was recorded.
  SampleChoices choices_of(const Json& test_case) const {
    const Json& given = test_case.at("options");
    const Json draws = test_case.value("draws", Json::object());
    SampleChoices choices;
    choices.image_only = given.value("with_image_only", false) &&
                         draws.at("random").at(0) < given.at("image_only_rate");
    choices.replace_subject =
        given.value("replace_subject", false) && draws.value("subject", false);
    if (draws.value("crop", "bbox") == "segment") choices.crop = ObjectCrop::kSegment;
    if (draws.contains("scale_and_offset")) {
      const Json& place = draws.at("scale_and_offset");
      const double side = config_.at("image_size"), scale = place.at(0);
      const double places = side - std::floor(side * scale) + 1;
      choices.perturbation = {.scale = scale,
                              .place_x = (place.at(1).get<double>() + 0.5) / places,
                              .place_y = (place.at(2).get<double>() + 0.5) / places};
    }
    return choices;
  }
  Sample sample_of(const Json& test_case) const {
    return make_sample(records_.record(test_case.at("record")), options_of(test_case),
                       choices_of(test_case), &backgrounds_);
  }

  /// Channels first, as the tensors are.
  static std::vector<uint8_t> planar(const Image& image) {
    std::vector<uint8_t> values;
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t i = 0; i < image.width * image.height; ++i) {
        values.push_back(image.pixels[static_cast<size_t>(i * 3 + c)]);
      }
    }
    return values;
  }
  void expect_pixels(const std::vector<uint8_t>& values, const std::string& name) const {
    const auto expected = tensors_.values<uint8_t>(name);
    ASSERT_EQ(values.size(), expected.size()) << name;
    size_t different = 0;
    int largest = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const int difference = std::abs(static_cast<int>(values[i]) - static_cast<int>(expected[i]));
      different += difference > 0;
      largest = std::max(largest, difference);
    }
    EXPECT_EQ(different, 0U) << name << ": values that differ, by at most " << largest;
  }

  const Json expected_ = Json::parse(read_text(fixture_path("data/expected.json")));
  const Json config_ = expected_.at("config");
  const RawSafetensors tensors_{fixture_path("data/expected.safetensors")};
  const RecordFile records_{fixture_path("data/records.jsonl")};
  const Backgrounds backgrounds_{fixture_path("data/background.jsonl")};
};

TEST_F(RecordedSamples, PromptsTargetsAndPicturesAreTheReferences) {
  const Tokenizer tokenizer = Tokenizer::load(fixture_path(config_.at("tokenizer")));
  int compared = 0;
  for (const Json& test_case : expected_.at("cases")) {
    SCOPED_TRACE(test_case.at("key").get<std::string>());
    if (test_case.contains("note") || test_case.at("valid") == 0) continue;  // refused: see below
    const Sample sample = sample_of(test_case);
    const std::string prompt =
        expand_placeholders(sample.prompt, config_.at("placeholders_per_image"));
    EXPECT_EQ(prompt, test_case.at("prompt"));
    const auto padded = tensors_.values<int64_t>(test_case.at("tensors").at("input_ids"));
    const auto ids = tokenizer.encode(prompt);
    EXPECT_THAT(padded, ::testing::IsSupersetOf(ids));
    EXPECT_EQ(ids.size(), test_case.at("tokens"));
    EXPECT_EQ(count_placeholders(sample.prompt), sample.pictures.size());

    const Json& names = test_case.at("tensors");
    expect_pixels(planar(sample.target), names.at("target_u8"));
    std::vector<uint8_t> clip;
    for (const Image& picture : sample.pictures) {
      const auto values = planar(clip_crop(picture, config_.at("clip_image_size")));
      clip.insert(clip.end(), values.begin(), values.end());
    }
    ASSERT_EQ(sample.pictures.empty(), !names.contains("clip_u8"));
    if (!sample.pictures.empty()) expect_pixels(clip, names.at("clip_u8"));
    ++compared;
  }
  EXPECT_GE(compared, 29);
}

TEST_F(RecordedSamples, WhatTheReferenceFillsWithWhiteOrZerosIsAnError) {
  for (const Json& test_case : expected_.at("cases")) {
    SCOPED_TRACE(test_case.at("key").get<std::string>());
    if (!test_case.contains("note") && test_case.at("valid") == 1) continue;
    try {
      (void)sample_of(test_case);
      ADD_FAILURE() << "was accepted";
    } catch (const RecordError& error) {
      EXPECT_EQ(error.problem(), test_case.at("valid") == 0 ? RecordProblem::kMissingFile
                                                            : RecordProblem::kPlaceholderMismatch);
      EXPECT_THAT(error.what(), HasSubstr("records.jsonl:"));
    }
  }
}

class ReferenceRepairs : public ::testing::Test {
 protected:
  ReferenceRepairs() {
    write_image(dir_ / "red.png", filled({255, 0, 0}));
    write_image(dir_ / "empty.png", filled({0, 0, 0}));
    write_text(dir_ / "backgrounds.jsonl", R"({"input_image": "gone.png"})");
  }
  static Image filled(std::array<uint8_t, 3> colour) {
    Image image(kSide, kSide);
    for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = colour[i % 3];
    return image;
  }
  /// Makes the sample as the reference would; the same record is refused otherwise.
  Sample sample(const std::string& json, RecordProblem problem) const {
    const Record record = parse_record(json, "file:1", dir_.path());
    const Backgrounds backgrounds(dir_ / "backgrounds.jsonl");
    SampleOptions options{.image_size = kSide};
    try {
      (void)make_sample(record, options, {}, &backgrounds);
      ADD_FAILURE() << "was accepted: " << json;
    } catch (const RecordError& error) {
      EXPECT_EQ(error.problem(), problem);
    }
    options.on_bad_record = OnBadRecord::kReference;
    Sample made = make_sample(record, options, {}, &backgrounds);
    EXPECT_THAT(made.replaced, ::testing::Contains(problem));
    return made;
  }

  static constexpr int64_t kSide = 16;
  const Image white_ = filled({255, 255, 255}), red_ = filled({255, 0, 0});
  TempDir dir_;
};

TEST_F(ReferenceRepairs, AWhitePictureForACondition) {
  const Sample made =
      sample(R"({"image_path": "red.png", "source_image": "gone.png", "input_text": "a"})",
             RecordProblem::kMissingFile);
  EXPECT_EQ(made.pictures.front(), white_);
  EXPECT_EQ(made.target, red_);
  EXPECT_TRUE(made.target_valid);
}

TEST_F(ReferenceRepairs, NoLossWithoutATarget) {
  const Sample made =
      sample(R"({"image_path": "gone.png", "source_image": "red.png", "input_text": "a"})",
             RecordProblem::kMissingFile);
  EXPECT_EQ(made.pictures.front(), red_);
  EXPECT_FALSE(made.target_valid);
}

TEST_F(ReferenceRepairs, TargetsOfObjectRecordsTurnWhiteAndCount) {
  const Sample made = sample(
      R"({"image_path": "red.png", "source_image": "gone.png", "input_text": "a", "objects": "a"})",
      RecordProblem::kMissingFile);
  EXPECT_EQ(made.target, white_);
  EXPECT_TRUE(made.target_valid);
}

TEST_F(ReferenceRepairs, AnUnreadableMaskShowsEverythingAndAnEmptyOneNothing) {
  const std::string rest = R"(", "source_image": "red.png", "input_text": "a", "objects": "a",)"
                           R"( "do_mask": true})";
  EXPECT_EQ(sample(R"({"image_path": "gone.png)" + rest, RecordProblem::kMissingFile).target, red_);
  EXPECT_EQ(sample(R"({"image_path": "empty.png)" + rest, RecordProblem::kEmptyMask).target,
            filled({0, 0, 0}));
  const Sample crops = sample(R"({"image_path": ["empty.png"], "source_image": "red.png",)"
                              R"( "input_text": "a", "objects": ["a"]})",
                              RecordProblem::kEmptyMask);
  EXPECT_EQ(crops.pictures.front(), white_);
}

TEST_F(ReferenceRepairs, NoLossWithoutABackground) {
  const Sample made = sample(R"({"image_path": "red.png", "source_image": "red.png",)"
                             R"( "input_text": "a", "objects": "a", "do_replace": true})",
                             RecordProblem::kUnreadableImage);
  EXPECT_EQ(made.pictures.front(), white_);
  EXPECT_FALSE(made.target_valid);
}

TEST(MakeSample, ShowsConditionsSquashedOrAsTheyAre) {
  const TempDir dir;
  write_image(dir / "wide.png", Image(40, 20));
  const Record record =
      parse_record(R"({"image_path": "wide.png", "source_image": "wide.png", "input_text": "a"})",
                   "file:1", dir.path());
  SampleOptions options{.image_size = 16};
  EXPECT_EQ(make_sample(record, options, {}, nullptr).pictures.front().size(), (ImageSize{16, 16}));
  options.condition_squash = false;
  EXPECT_EQ(make_sample(record, options, {}, nullptr).pictures.front().size(), (ImageSize{40, 20}));
}

TEST(MakeSample, StretchesTheTargetsOfObjectRecordsAndCropsTheOthers) {
  const TempDir dir;
  Image wide(40, 20);
  for (int64_t x = 0; x < 40; ++x) {
    for (int64_t y = 0; y < 20; ++y) *wide.at(x, y) = x < 10 ? 255 : 0;  // red on the left
  }
  write_image(dir / "wide.png", wide);
  const auto target = [&](const std::string& more) {
    const Record record = parse_record(
        R"({"image_path": "wide.png", "source_image": "wide.png", "input_text": "a")" + more + "}",
        "file:1", dir.path());
    return make_sample(record, {.image_size = 20}, {}, nullptr).target;
  };
  EXPECT_EQ(*target("").at(2, 10), 0);  // the centre
  EXPECT_GT(*target(R"(, "objects": "cat")").at(2, 10), 250);
}

TEST(MalformedRecords, EachGetsItsOwnMessage) {
  const Json expected = Json::parse(read_text(fixture_path("data/malformed/expected.json")));
  const RecordFile file(fixture_path("data/malformed/malformed.jsonl"));
  std::map<std::string, Json> by_place;
  for (const Json& line : expected.at("malformed.jsonl")) {
    by_place[(fixture_path("data/malformed/malformed.jsonl").string() + ":" +
              line.at("line").dump())] = line.at("reason");
  }
  const SampleOptions options{.stage = Stage::kInstruction, .image_size = 32};
  for (int64_t i = 0; i < file.size(); ++i) {
    SCOPED_TRACE(file.where(i));
    Json reason;
    try {
      (void)make_sample(file.record(i), options, {}, nullptr);
    } catch (const RecordError& error) {
      reason = name_of(error.problem());
      EXPECT_THAT(error.what(), ::testing::StartsWith(file.where(i) + ": "));
    }
    // A picture that is too large is one that cannot be read.
    const Json& wanted = by_place.at(file.where(i));
    EXPECT_EQ(reason, wanted == "image_too_large" ? Json("unreadable_image") : wanted);
  }
  EXPECT_EQ(file.size(), 26);  // 27 lines, one blank
}

TEST(MalformedRecords, WithoutTheirPictureOrWithANumberBeyondAll) {
  const auto problem_of = [](const std::string& line) {
    try {
      (void)parse_record(line, "file:1", "folder");
    } catch (const RecordError& error) {
      EXPECT_THAT(error.what(), ::testing::StartsWith("file:1: "));
      return std::string(name_of(error.problem()));
    }
    return std::string();
  };
  const std::string text = R"({"input_text": "a", "image_path": "x.png", "generation_only": true)";
  EXPECT_EQ(problem_of(text + "}"), "");
  for (const char* more : {R"(, "objects": "dog")", R"(, "objects": "")", R"(, "objects": ["dog"])",
                           R"(, "objects": ["dog"], "do_mask": true)"}) {
    EXPECT_EQ(problem_of(text + more + "}"), "missing_key") << more;
  }
  const std::string listed =
      R"({"input_text": "a <image>", "image_path": "x.png", "generation_only": true, )"
      R"("input_img_list": true, "objects": ["dog"]})";
  EXPECT_EQ(problem_of(listed), "missing_key");
  EXPECT_EQ(problem_of(text + R"(, "score": 1e999})"), "not_json");
}

TEST(MalformedRecords, ByteOrderMarkAndCarriageReturnsAreAccepted) {
  const RecordFile file(fixture_path("data/malformed/crlf_bom.jsonl"));
  ASSERT_EQ(file.size(), 2);
  for (int64_t i = 0; i < file.size(); ++i) EXPECT_NO_THROW((void)file.record(i));
}

TEST(RecordFile, NamesAFileThatHoldsNothing) {
  const TempDir dir;
  write_text(dir / "blank.jsonl", "\n \r\n");
  const auto message = [](const fs::path& path) -> std::string {
    try {
      const RecordFile file(path);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(dir / "blank.jsonl"), HasSubstr("blank.jsonl: holds no record"));
  EXPECT_THAT(message(dir / "none.jsonl"), HasSubstr("none.jsonl: cannot open"));
  EXPECT_THAT(message(dir.path()), HasSubstr("is a folder"));
}

TEST(DrawChoices, FollowTheirRatesAndNothingButTheSeed) {
  EXPECT_NE(sample_seed(1, 2, 3, 4, 1), sample_seed(1, 2, 3, 4));
  const SampleOptions options{.image_only_rate = 0.1, .replace_subject_rate = 0.5};
  constexpr int kDraws = 20000;
  int image_only = 0, replaced = 0, boxes = 0, both = 0;
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    const SampleChoices choices = draw_choices(options, seed);
    image_only += choices.image_only;
    replaced += choices.replace_subject;
    boxes += choices.crop == ObjectCrop::kBox;
    both += choices.image_only && choices.replace_subject;
  }
  EXPECT_NEAR(image_only, 0.1 * kDraws, 200);
  EXPECT_NEAR(replaced, 0.5 * kDraws, 350);
  EXPECT_NEAR(boxes, 0.5 * kDraws, 350);
  EXPECT_NEAR(both, 0.05 * kDraws, 160);  // independent of each other
  EXPECT_EQ(draw_choices(options, 7).background, draw_choices(options, 7).background);
  EXPECT_FALSE(draw_choices({}, 7).image_only);
}

}  // namespace
}  // namespace mentor
