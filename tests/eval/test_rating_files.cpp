#include "mentor/core/error.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/rating_files.h"
#include "support/drawn_dataset.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using ::testing::HasSubstr;

class RatingFilesTest : public ::testing::Test {
 protected:
  static Subject subject(Category category, int64_t index, const std::string& name) {
    Subject made;
    made.key = {category, index};
    made.name = name;
    return made;
  }
  std::vector<Attempt> read(const std::string& name,
                            const RatingFileOptions& options = {"gpt", {}, {}}) const {
    return read_rating_files(dir_ / name, dataset_, options);
  }
  std::string error_of(const std::string& name, const std::string& content,
                       const RatingFileOptions& options = {"gpt", {}, {}}) const {
    put_file(dir_ / name, content);
    try {
      (void)read(name, options);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  TempDir dir_;
  Dataset dataset_ = {.root = "data",
                      .subjects = {subject(Category::kAnimal, 7, "cotton-top tamarin"),
                                   subject(Category::kObject, 20, "rubik's cube"),
                                   subject(Category::kStyle, 0, "pixel art")}};
};

TEST_F(RatingFilesTest, ReadsTheMergedFilesOfAJudge) {
  const std::string text =
      R"({"object_20_magic_cube-3": 4, "live_subject_animal_07_cotton-top_tamarin-0": 1,
          "style_00_pixel_art-8_0": 0})";
  put_file(dir_ / "concept_preservation_full2/mentor.json", text);
  put_file(dir_ / "prompt_following_full/mentor.json", text);
  put_file(dir_ / "mentor.json", text);
  const std::vector<Attempt> second = read("concept_preservation_full2/mentor.json");
  const RatingKey cube = {RatingTask::kCp, 1, {{Category::kObject, 20}, 3, 0}};
  ASSERT_EQ(second.size(), 3u);
  const Ratings by_key = last_attempts(second);
  EXPECT_EQ(by_key.at(cube).score, 4) << "the cube has two names";
  EXPECT_EQ(by_key.at(cube).judge.model, "gpt");
  EXPECT_EQ(by_key.at(cube).status, RatingStatus::kOk);
  EXPECT_EQ(by_key.at({RatingTask::kCp, 1, {{Category::kAnimal, 7}, 0, 0}}).score, 1);
  EXPECT_EQ(by_key.at({RatingTask::kCp, 1, {{Category::kStyle, 0}, 8, 0}}).score, 0);
  EXPECT_EQ(read("prompt_following_full/mentor.json").front().key.task, RatingTask::kPf);
  EXPECT_EQ(read("prompt_following_full/mentor.json").front().key.run, 0);
  const auto told = read("mentor.json", {"gpt", RatingTask::kPf, 4});
  EXPECT_EQ(told.front().key.task, RatingTask::kPf);
  EXPECT_EQ(told.front().key.run, 4);
}

TEST_F(RatingFilesTest, ReadsPeople) {
  put_file(dir_ / "group1/0-mentor.json", R"({"style_00_pixel_art-8": [NaN, 3]})");
  const auto raw = read("group1/0-mentor.json", {"group1", {}, {}});
  ASSERT_EQ(raw.size(), 1u) << "a missing score is no score";
  EXPECT_EQ(raw.front().key.task, RatingTask::kPf);
  EXPECT_EQ(raw.front().score, 3);
  put_file(dir_ / "page.json",
           R"({"rater": "Ada", "methods": {"mine": {"style_00_pixel_art-8": [2, 3]},
                                           "other": {"style_00_pixel_art-8": [0, 0]}}})");
  const auto saved = read("page.json", {.samples = "mine"});
  ASSERT_EQ(saved.size(), 2u);
  EXPECT_EQ(saved.front().judge.model, "Ada");
  EXPECT_EQ(saved.front().score, 2);
}

TEST_F(RatingFilesTest, PeopleMayLeavePicturesOut) {
  const std::string merged = R"({"style_00_pixel_art-8": NaN, "object_20_magic_cube-3": 2})";
  RatingFileOptions options = {"group1", RatingTask::kCp, {}};
  EXPECT_THAT(error_of("human.json", merged, options), HasSubstr("null is no score from 0 to 4"))
      << "a judge says something of each";
  options.by_people = true;
  const auto ratings = read("human.json", options);
  ASSERT_EQ(ratings.size(), 1u);
  EXPECT_EQ(ratings.front().score, 2);
}

/// What a page saved about the picture with that hash.
std::string saved_page(const std::string& hash) {
  return R"({"rater": "Ada", "methods": {"mine": {"style_00_pixel_art-8": [2, 3]}},
             "pictures": {"mine": {"style_00_pixel_art-8": ")" +
         hash + R"("}, "other": {}}})";
}

TEST_F(RatingFilesTest, TiesPeoplesRatingsToPictures) {
  const fs::path picture = dir_ / "8_0.jpg";
  put_file(picture, "as it was shown");
  const std::string hash = sha256_hex("as it was shown");
  const std::vector<SampleFiles> samples = {
      {.key = {.subject = {Category::kStyle, 0}, .prompt = 8}, .generated = picture}};
  put_file(dir_ / "page.json", saved_page(hash));
  auto ratings = read("page.json", {.samples = "mine"});
  EXPECT_EQ(ratings.at(0).generated_sha256, hash);
  EXPECT_EQ(tie_to_pictures(ratings, samples, "page.json"), 0);
  put_file(picture, "drawn anew");
  EXPECT_THAT([&] { tie_to_pictures(ratings, samples, "page.json"); },
              testing::ThrowsMessage<DataError>(HasSubstr(
                  "page.json: rates other pictures than are there now (style_00-8_0): name")));
  EXPECT_EQ(tie_to_pictures(ratings, {}, "page.json"), 0) << "nothing to compare with";
  // Of an older page, or of the published files.
  for (Attempt& rating : ratings) rating.generated_sha256.clear();
  EXPECT_EQ(tie_to_pictures(ratings, samples, "page.json"), 2);
  EXPECT_EQ(ratings.at(1).generated_sha256, sha256_hex("drawn anew"));
  EXPECT_THAT(error_of("f.json", R"({"rater": "Ada", "methods": {"mine": {}}, "pictures": 1})",
                       {.samples = "mine"}),
              HasSubstr("f.json: is no file of ratings"));
}

TEST_F(RatingFilesTest, PeopleMayChangeTheirMinds) {
  const auto import = [&](const std::vector<Attempt>& ratings) {
    RatingStore store(dir_ / "Ada.jsonl");
    return import_attempts(store, ratings, /*by_people=*/true);
  };
  const auto stored = [&] { return last_attempts(read_attempts(dir_ / "Ada.jsonl")); };
  put_file(dir_ / "page.json", saved_page("aa"));
  std::vector<Attempt> ratings = read("page.json", {.samples = "mine"});
  EXPECT_EQ(import(ratings).added, 2);
  EXPECT_EQ(import(ratings).added + import(ratings).changed, 0) << "twice is once";
  ratings[1].score = 0;
  ImportCounts counts = import(ratings);
  EXPECT_EQ(counts.added, 0);
  EXPECT_EQ(counts.changed, 1);
  EXPECT_EQ(stored().at(ratings[1].key).score, 0) << "the later one";
  for (Attempt& rating : ratings) rating.generated_sha256 = "bb";
  EXPECT_EQ(import(ratings).changed, 2) << "the same scores of other pictures";
  EXPECT_EQ(stored().at(ratings[0].key).generated_sha256, "bb");
}

TEST_F(RatingFilesTest, SaysWhatIsWrong) {
  const RatingFileOptions cp = {"gpt", RatingTask::kCp, 0};
  const struct {
    std::string content, message;
    RatingFileOptions options;
  } cases[] = {
      {"[1]", "f.json: is no file of ratings", cp},
      {"{}", "f.json: is no file of ratings", cp},
      {"{", "f.json: is no JSON", cp},
      {R"({"learning_rate": 1})", "f.json: learning_rate: names no picture", cp},
      {R"({"object_20_magic_cube-9": 1})", "f.json: object_20_magic_cube-9: names no picture", cp},
      {R"({"object_20_magic_cube": 1})", "names no picture: 'object_20_magic_cube-3' is", cp},
      {R"({"object_21_can-1": 1})", "f.json: object_21_can-1: data has no such subject", cp},
      {R"({"style_00_ukiyo-e-1": 1})", "style_00_ukiyo-e-1: is 'pixel_art' in data", cp},
      {R"({"style_00_pixel_art-1": 5})", "style_00-1_0: 5 is no score from 0 to 4", cp},
      {R"({"style_00_pixel_art-1": 2.5})", "2.5 is no score from 0 to 4", cp},
      {R"({"style_00_pixel_art-1": "4"})", "\"4\" is no score from 0 to 4", cp},
      {R"({"style_00_pixel_art-1": [4]})", "is no pair [CP, PF]", cp},
      {R"({"style_00_pixel_art-1": 2})",
       "f.json: neither --task cp nor --task pf says",
       {"gpt", {}, {}}},
      {R"({"style_00_pixel_art-1": 2})",
       "f.json: does not say who rated: --judge NAME",
       {"", RatingTask::kCp, 0}},
      {R"({"collection_id": "style_00_pixel_art", "prompt_index": 1, "content": ""})",
       "f.json: score: is missing", cp},
      {R"({"rater": "Ada", "methods": [1]})", "f.json: is no file of ratings", cp},
      {R"({"rater": "Ada", "methods": {"mine": {}, "theirs": {}}})",
       "f.json: rates the pictures of 'mine', 'theirs', not those of 'out'",
       {.samples = "out"}},
  };
  for (const auto& [content, message, options] : cases) {
    EXPECT_THAT(error_of("f.json", content, options), HasSubstr(message)) << content;
  }
  EXPECT_THAT(error_of("prompt_following_fullness/f.json", R"({"style_00_pixel_art-1": 2})"),
              HasSubstr("which run of the judge?"));
  fs::create_directories(dir_ / "empty");
  EXPECT_THROW((void)read("empty"), DataError);
}

TEST_F(RatingFilesTest, ExportIsReadBack) {
  Ratings ratings;
  for (const Subject& one : dataset_.subjects) {
    for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
      for (const RatingTask task : {RatingTask::kCp, RatingTask::kPf}) {
        const RatingKey key = {task, prompt % 2, {one.key, prompt, 0}};
        ratings[key] = {.key = key,
                        .score = (prompt + one.key.index) % 5,
                        .answer = format("I see.\nScore: {}", prompt)};
      }
    }
  }
  ratings.begin()->second.score = std::nullopt;  // a failure: not exported
  export_ratings(ratings, dataset_, "My-Method XL", dir_ / "out");
  EXPECT_FALSE(fs::exists(dir_ / "out.tmp"));
  const fs::path one = dir_ /
                       "out/prompt_following_full2/my_method_xl/"
                       "My-Method XL-live_subject_animal_07_cotton-top_tamarin-3.json";
  EXPECT_EQ(read_text(one),
            "{\n    \"method\": \"My-Method XL\",\n"
            "    \"collection_id\": \"live_subject_animal_07_cotton-top_tamarin\",\n"
            "    \"prompt_index\": 3,\n    \"score\": 0,\n"
            "    \"content\": \"I see.\\nScore: 3\"\n}");
  for (const std::string form : {"", ".json"}) {  // the folder of answers and the merged file
    Ratings back;
    for (const char* folder : {"concept_preservation_full", "concept_preservation_full2",
                               "prompt_following_full", "prompt_following_full2"}) {
      for (const Attempt& attempt : read("out/" + std::string(folder) + "/my_method_xl" + form)) {
        back[attempt.key] = attempt;
      }
    }
    ASSERT_EQ(back.size(), ratings.size() - 1);
    for (const auto& [key, attempt] : back) {
      EXPECT_EQ(attempt.score, ratings.at(key).score);
      EXPECT_EQ(attempt.answer, form.empty() ? ratings.at(key).answer : "");
    }
  }
  try {
    export_ratings(ratings, dataset_, "My-Method XL", dir_ / "out");
    FAIL() << "would have replaced files";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("out: is not empty: choose a new folder"));
  }
  export_ratings(ratings, dataset_, "m", dir_ / "slash/");
  EXPECT_TRUE(fs::exists(dir_ / "slash/concept_preservation_full/m.json"));
  EXPECT_THROW(export_ratings({}, dataset_, "m", dir_ / "none"), DataError);
  EXPECT_THAT([&] { export_ratings(ratings, dataset_, "a/b", dir_ / "none"); },
              testing::ThrowsMessage<ConfigError>(HasSubstr("set evaluate.report.method")));
}

TEST_F(RatingFilesTest, ImportKeepsRatersApart) {
  put_file(dir_ / "f.json", R"({"style_00_pixel_art-1": 2, "style_00_pixel_art-2": 3})");
  put_file(dir_ / "other.json", R"({"style_00_pixel_art-0": 1, "style_00_pixel_art-1": 4})");
  const RatingFileOptions cp = {"gpt", RatingTask::kCp, 0};
  RatingStore store(dir_ / "ratings.jsonl");
  const auto import = [&](const std::string& name,
                          const RatingFileOptions& options) -> std::string {
    // What was appended is in the file, as the next command sees it.
    const fs::path copy = dir_ / "copy.jsonl";
    fs::copy_file(dir_ / "ratings.jsonl", copy, fs::copy_options::overwrite_existing);
    RatingStore again(copy);
    try {
      const int64_t added = import_attempts(again, read(name, options)).added;
      fs::copy_file(copy, dir_ / "ratings.jsonl", fs::copy_options::overwrite_existing);
      return format("{}", added);
    } catch (const UserError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(import("f.json", cp), "2");
  EXPECT_EQ(import("f.json", cp), "0") << "twice is once";
  EXPECT_THAT(import("other.json", cp),
              HasSubstr("style_00-1_0 of run 0 has the cp score 2 already, not 4"));
  EXPECT_EQ(import("other.json", {"gpt", RatingTask::kCp, 1}), "2");
  EXPECT_THAT(import("f.json", {"qwen", RatingTask::kCp, 2}),
              HasSubstr("the ratings so far are by 'gpt' (imported), these are by 'qwen'"));
  EXPECT_EQ(read_attempts(dir_ / "ratings.jsonl").size(), 4u) << "nothing of a failed import";
}

}  // namespace
}  // namespace mentor
