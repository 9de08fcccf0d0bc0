#include "mentor/eval/similarity.h"
#include "mentor/eval/store.h"
#include "support/check_markup.h"
#include "support/embedder_fixture.h"
#include "support/evaluate_run.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const EmbedderGolden& golden() {
  static const EmbedderGolden golden;
  return golden;
}

/// Networks with random weights: what holds for any network can be checked by hand.
class EvaluateEmbed : public EvaluateRun {
 protected:
  EvaluateEmbed() : towers_(write_towers(golden(), dir_.path())) {}

  [[nodiscard]] std::vector<std::string> with_towers(std::vector<std::string> settings = {}) const {
    settings.insert(settings.begin(), towers_.begin(), towers_.end());
    settings.insert(settings.begin(), "report.draws=200");
    return settings;
  }
  [[nodiscard]] ProgramResult embed(const std::vector<std::string>& settings = {}) const {
    return run("embed", with_towers(settings));
  }
  [[nodiscard]] Similarities measured() const {
    return read_similarities(similarity_file(dir_ / "out"));
  }
  [[nodiscard]] fs::path picture(const std::string& part, const std::string& id,
                                 int64_t prompt) const {
    return dir_ / "samples" / part / id / format("{}_0.jpg", prompt);
  }
  template <class Change>
  void for_each_picture(Change change) const {
    for (const std::string id :
         {"live_subject_animal_00_toy_00", "object_00_toy_00", "style_00_toy_00"}) {
      for (int64_t p = 0; p < kPromptsPerSubject; ++p) {
        change(picture("src_image", id, p), picture("tgt_image", id, p));
      }
    }
  }
  void draw_copies() const {
    for_each_picture([](const fs::path& reference, const fs::path& generated) {
      put_file(generated, read_text(reference));
    });
  }
  void draw_noise() const {
    std::mt19937 random(1);
    for_each_picture([&](const fs::path& reference, const fs::path& generated) {
      for (const fs::path& file : {reference, generated}) {
        Image image(64, 48);
        for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(random());
        put_file(file, encode_jpeg(image, 95));
      }
    });
  }

 private:
  std::vector<std::string> towers_;
};

TEST_F(EvaluateEmbed, APictureEqualsItself) {
  draw_copies();
  const ProgramResult result = embed();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("27 pictures, 0 of them as measured before"),
                    HasSubstr("CLIP-I 100.00   95 %"), HasSubstr("DINO   100.00   95 %"),
                    HasSubstr("DINOv2 100.00"), HasSubstr("Copies 100.00 %")));
  for (const auto& [item, similarity] : measured()) {
    for (const Metric metric : {Metric::kClipI, Metric::kDino, Metric::kDinov2}) {
      EXPECT_NEAR(similarity.of(metric)->value, 100, 1e-3) << name_of(metric);
    }
    EXPECT_LT(std::abs(similarity.of(Metric::kClipT)->value), 100);
    EXPECT_EQ(similarity.of(Metric::kDino)->checkpoint.sha256.size(), 64U);
    EXPECT_EQ(similarity.of(Metric::kClipI)->checkpoint.dtype, "fp32");
  }
  const auto exported = nlohmann::json::parse(read_text(dir_ / "out" / "clip_scores_text.json"));
  EXPECT_EQ(exported.size(), 27U);
  EXPECT_TRUE(exported.contains("live_subject_animal_00_toy_00-8_0"));
}

TEST_F(EvaluateEmbed, LikenessIsSymmetricAndNoiseIsNoCopy) {
  draw_noise();
  ASSERT_EQ(embed({"embed.copy_threshold=99.9"}).exit_code, 0);
  const Similarities there = measured();
  for_each_picture([](const fs::path& reference, const fs::path& generated) {
    const std::string swapped = read_text(reference);
    put_file(reference, read_text(generated));
    put_file(generated, swapped);
  });
  const ProgramResult result = embed({"embed.copy_threshold=99.9"});
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("0 of them as measured before"), HasSubstr("Copies 0.00 %")));
  for (const auto& [item, back] : measured()) {
    for (const Metric metric : {Metric::kClipI, Metric::kDino, Metric::kDinov2}) {
      EXPECT_NEAR(back.of(metric)->value, there.at(item).of(metric)->value, 1e-3);
      EXPECT_LT(back.of(metric)->value, 99.9) << name_of(metric);
    }
  }
}

TEST_F(EvaluateEmbed, TheBatchDoesNotCount) {
  draw_noise();
  ASSERT_EQ(embed({"embed.batch=1"}).exit_code, 0);
  const Similarities single = measured();
  ASSERT_EQ(embed({"embed.batch=7", "out=" + (dir_ / "other").string()}).exit_code, 0);
  for (const auto& [item, similarity] : read_similarities(similarity_file(dir_ / "other"))) {
    for (const Metric metric : kMetrics) {
      EXPECT_NEAR(similarity.of(metric)->value, single.at(item).of(metric)->value, 1e-3);
    }
  }
}

TEST_F(EvaluateEmbed, MeasuresOnlyWhatChanged) {
  ASSERT_EQ(embed().exit_code, 0);
  const std::string file = read_text(similarity_file(dir_ / "out"));
  EXPECT_THAT(embed().out, HasSubstr("27 pictures, 27 of them as measured before"));
  EXPECT_EQ(read_text(similarity_file(dir_ / "out")), file);

  put_file(object_ / "4_0.jpg", encode_jpeg(Image(16, 16)));
  put_file(dir_ / "samples/text/style_00_toy_00/2_0.txt", "something else");
  EXPECT_THAT(embed().out, HasSubstr("27 pictures, 25 of them as measured before"));

  put_file(similarity_file(dir_ / "out"), file.substr(0, file.size() / 2));  // killed
  EXPECT_THAT(embed().out, Not(HasSubstr(" 0 of them as measured before")));
  EXPECT_EQ(measured().size(), 27U);

  write_clip(golden(), dir_ / "clip", 979);
  const ProgramResult part = embed({"categories=[object]"});
  EXPECT_EQ(part.exit_code, 0) << part.err;
  EXPECT_THAT(part.out, HasSubstr("9 pictures, 0 of them as measured before"));

  write_clip(golden(), dir_ / "clip", 978);
  const ProgramResult other = embed();
  EXPECT_THAT(other.out, HasSubstr("27 pictures, 0 of them as measured before"));
  EXPECT_THAT(other.err, HasSubstr("measured again with other weights: what is now of clip"));
}

TEST_F(EvaluateEmbed, ANetworkCanBeLeftOutAndAddedLater) {
  const ProgramResult first = embed({"embed.dino=", "embed.dinov2="});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, AllOf(HasSubstr("DINO left out: evaluate.embed.dino is not set"),
                               HasSubstr("DINOv2 left out")));
  EXPECT_THAT(first.out, HasSubstr("CLIP-I of 95 or more"));
  const auto clip_i = measured().begin()->second.of(Metric::kClipI)->value;
  ASSERT_EQ(embed({"embed.clip="}).exit_code, 0);
  EXPECT_EQ(measured().begin()->second.of(Metric::kClipI)->value, clip_i);
  EXPECT_TRUE(measured().begin()->second.of(Metric::kDino));
}

TEST_F(EvaluateEmbed, IsReportedWithAndWithoutRatings) {
  draw_copies();
  ASSERT_EQ(embed().exit_code, 0);
  const ProgramResult alone = run("report", with_towers());
  EXPECT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_THAT(alone.out, AllOf(HasSubstr("DINO   100.00   95 % interval 100.00 to 100.00"),
                               Not(HasSubstr("CP     "))));
  std::string page = read_text(dir_ / "out/report.html");
  EXPECT_EQ(check_markup(page), "");
  EXPECT_THAT(page, AllOf(HasSubstr("not rated yet"), HasSubstr("DINO of 90 or more"),
                          HasSubstr("IP-Adapter-Plus ViT-H"), HasSubstr("83.4"),
                          HasSubstr("other data set: not comparable"), HasSubstr("70.853 ± 0.327"),
                          HasSubstr("CLIP-I: other checkpoint: theirs is CLIP ViT-B/32")));
  EXPECT_THAT(read_text(dir_ / "out/report.md"),
              AllOf(HasSubstr("nobody has rated"), HasSubstr("| DINO | 100.0 | 100.0 | n/a |")));
  EXPECT_THAT(read_text(dir_ / "out/table.csv"), HasSubstr("\ndino_all,100,100,100,,27,,,\n"));

  const ProgramResult judged = run("judge", with_towers({"judge.kind=similarity", "judge.runs=1"}));
  ASSERT_EQ(judged.exit_code, 0) << judged.err;
  EXPECT_THAT(read_text(dir_ / "out/config_judge.yaml"), HasSubstr("kind: similarity"));
  EXPECT_THAT(read_text(dir_ / "out/config_embed.yaml"), Not(HasSubstr("kind: similarity")));
  const ProgramResult report = run("report", with_towers());
  EXPECT_THAT(report.out,
              AllOf(HasSubstr("CP     1.000"), HasSubstr("similarity: not comparable")));
  page = read_text(dir_ / "out/report.html");
  EXPECT_EQ(check_markup(page), "");
  EXPECT_THAT(page, AllOf(HasSubstr("<dt>CP</dt>"), HasSubstr("<dt>Copies</dt>"),
                          HasSubstr("Likeness, without a judge")));
  const auto summary = nlohmann::json::parse(read_text(dir_ / "out/summary.json"));
  EXPECT_EQ(summary["likeness"]["copies"]["groups"]["all"]["value"], 100);
  EXPECT_EQ(summary["likeness"]["dino"]["architecture"], "ViT of 2 layers of 128, patches of 32");
}

TEST_F(EvaluateEmbed, LongTextsAreCutWithOneWarning) {
  const ProgramResult result = embed();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::string warning = "warning: 27 texts are longer than the text tower of CLIP reads";
  const size_t first = result.err.find(warning);
  EXPECT_NE(first, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("warning:", first + 1), std::string::npos);
}

/// After the networks were named.
void expect_message(const ProgramResult& result, const std::string& message) {
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("error: "));
  EXPECT_THAT(result.err, HasSubstr(message));
}

TEST_F(EvaluateEmbed, SaysOnceWhatIsWrong) {
  expect_one_message(run("embed"),
                     "evaluate.embed: there is nothing to measure with: set one or more of clip "
                     "(the folder of huggingface.co/openai/clip-vit-base-patch32), dino");
  expect_one_message(embed({"out="}), "evaluate.out: is not set");
  expect_one_message(embed({"embed.dino=" + (dir_ / "none.pth").string()}),
                     "none.pth does not exist: set it to the file dino_deitsmall8_pretrain.pth");
  expect_one_message(embed({"embed.clip=" + (dir_ / "dinov2").string()}),
                     "describes 'dinov2', not 'clip'");

  put_file(object_ / "4_0.jpg", "no picture");
  expect_message(embed(), (object_ / "4_0.jpg").string() + ": not a picture");
  draw();
  put_file(dir_ / "samples/text/object_00_toy_00/3_0.txt", "caf\xe9");
  expect_message(embed(), "text of object_00-3_0: the text is not valid UTF-8 at byte 3: 'caf'");
  draw();
  fs::remove(dir_ / "clip/config.json");
  expect_one_message(embed(), "clip/config.json: is missing");
}

}  // namespace
}  // namespace mentor
