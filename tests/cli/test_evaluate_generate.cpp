#include "mentor/core/sha256.h"
#include "mentor/eval/store.h"
#include "support/generate_samples.h"
#include "support/processes.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Every file below a folder, by its path.
std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    files[fs::relative(entry.path(), folder).string()] = read_text(entry.path());
  }
  return files;
}

using EvaluateGenerate = GenerateSamples;

TEST_F(EvaluateGenerate, DrawsTheSameOnAnyNumberOfRanksAndInAnyBatch) {
  const ProgramResult one = draw("one");
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("one: 54 pictures, 0 of them were there before"));
  auto expected = files_of(dir_ / "one");
  EXPECT_EQ(expected.size(), 3u * kPictures + 3);  // manifest, negative prompt, configuration
  expected.erase("config.yaml");
  EXPECT_NE(expected.at("tgt_image/object_00_toy_00/0_0.jpg"),
            expected.at("tgt_image/object_00_toy_00/0_1.jpg"));
  EXPECT_EQ(expected.at("text/object_01_toy_01/8_1.txt"), "A toy 01 in place 8");
  const auto manifest = nlohmann::json::parse(expected.at("manifest.json"));
  EXPECT_EQ(manifest.at("settings").at("generate.guidance_scale"), "2");
  EXPECT_EQ(manifest.at("weights").size(), 3u);  // model, codec, tokenizer
  ASSERT_EQ(manifest.at("pictures").size(), static_cast<size_t>(kPictures));
  for (const auto& picture : manifest.at("pictures")) {
    const std::string name = picture.at("subject").get<std::string>() + "/" +
                             picture.at("picture").get<std::string>() + ".jpg";
    EXPECT_EQ(picture.at("sha256"), sha256_hex(expected.at("tgt_image/" + name)));
  }
  EXPECT_EQ(manifest.at("pictures").back().at("prompt"),
            "The Toy 01 in <image>.\nA toy 01 in place 8");
  const ProgramResult two = draw("two", {"generate.max_batch=7"}, /*ranks=*/2);
  ASSERT_EQ(two.exit_code, 0) << two.err;
  EXPECT_EQ(two.out, (dir_ / "two").string() + ": 54 pictures, 0 of them were there before\n");
  auto drawn = files_of(dir_ / "two");
  drawn.erase("config.yaml");
  EXPECT_EQ(drawn, expected);
}

TEST_F(EvaluateGenerate, GoesOnAfterKills) {
  const std::vector<std::string> settings = {"generate.max_batch=1"};
  ASSERT_EQ(draw("whole", settings).exit_code, 0);
  const auto pictures = [&] {
    int64_t count = 0;
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / "killed/tgt_image", none)) {
      count += entry.path().extension() == ".jpg" ? 1 : 0;
    }
    return count;
  };
  for (const int ranks : {0, 2, 0}) {
    const int64_t before = pictures();
    StartedProgram program(words("killed", settings, ranks));
    ASSERT_TRUE(comes_true([&] { return pictures() >= before + 8; })) << program.err();
    kill_at_once(program);
  }
  const int64_t before = pictures();
  EXPECT_LT(before, kPictures);
  const ProgramResult rest = draw("killed", settings);
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  auto drawn = files_of(dir_ / "killed");
  std::erase_if(drawn, [](const auto& file) { return file.first.ends_with(".tmp"); });
  auto expected = files_of(dir_ / "whole");
  for (auto* files : {&drawn, &expected}) files->erase("config.yaml");
  EXPECT_EQ(drawn, expected);
  EXPECT_THAT(draw("killed", settings).out, HasSubstr("54 of them were there before"));
}

// Other settings of the model draw other pictures from the same weights.
TEST_F(EvaluateGenerate, GoesOnWithTheSameModelOnly) {
  const auto draw_with = [this](const std::string& setting) {
    return draw("samples",
                {"evaluate.categories=[animal]", "evaluate.samples_per_prompt=1", setting});
  };
  ASSERT_EQ(draw_with("weights.codec_ema=false").exit_code, 0);
  const std::string config = read_text(dir_ / "samples/config.yaml");
  const auto manifest = nlohmann::json::parse(read_text(dir_ / "samples/manifest.json"));
  EXPECT_TRUE(manifest.at("weights").contains("tokenizer/spiece.model"));
  const std::map<std::string, std::string> changes = {
      {"model.decoder.rope_base=500", "(model.decoder.rope_base was "},
      {"model.clip.select_layer=-1", "(model.clip.select_layer was "},
      {"weights.codec_ema=true", "(weights.codec_ema was false, is true)"}};
  for (const auto& [setting, message] : changes) {
    expect_one_message(draw_with(setting), "holds pictures drawn otherwise " + message);
  }
  EXPECT_EQ(read_text(dir_ / "samples/config.yaml"), config) << "of what was drawn";
  EXPECT_THAT(draw_with("model.t5.dropout=0.3").out, HasSubstr("9 of them were there before"))
      << "of training alone";
}

TEST_F(EvaluateGenerate, SaysOnceWhatIsWrong) {
  ASSERT_EQ(draw("samples", {"evaluate.generate.method=reference"}).exit_code, 0);
  put_file(dir_ / "foreign/tgt_image/object_00_toy_00/0_0.jpg", "x");
  struct Case {
    const char* samples;
    std::vector<std::string> settings;
    const char* message;
  };
  const Case cases[] = {
      {"samples", {}, "samples: holds pictures drawn otherwise (generate."},
      {"foreign", {}, "foreign: holds pictures that 'mentor evaluate' did not draw"},
      {"new", {"evaluate.samples="}, "evaluate.samples: is not set: name the folder for the"},
      {"new", {"evaluate.dataset=nowhere"}, "nowhere/images: no such folder"},
      {"new", {"weights.model=nowhere.safetensors"}, "weights.model: "},
      {"new", {"model.decoder.cond_len=20"}, "cond_len"},
      {"new", {"evaluate.generate.method=best"}, "evaluate.generate.method"},
      {"evaluate.yaml/x", {}, "evaluate.yaml"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.message);
    expect_one_message(draw(c.samples, c.settings), c.message);
    EXPECT_FALSE(fs::exists(dir_ / "new/tgt_image"));
  }
  put_file(dir_ / "data/captions/object/00.txt", "Toy 00\na\nb\nc\nd\ne\nf\ng\nh\n");
  expect_one_message(draw("eight"), "object/00.txt: 8 prompts, not 9");
  put_file(dir_ / "data/captions/object/00.txt", "Toy 00\na\nb\nc\nd\ne\nf\ng\nh\ni\n");
  put_file(dir_ / "data/images/object/01.jpg", "no picture");
  expect_one_message(draw("damaged"), "data/images/object/01.jpg");
  EXPECT_FALSE(fs::exists(dir_ / "damaged/tgt_image"));
  const ProgramResult redrawn =
      draw("samples", {"evaluate.generate.method=mismatched", "evaluate.generate.redraw=true",
                       "evaluate.categories=[animal]"});
  expect_one_message(redrawn, "all its subjects are called");
}

// The judge of the toy world, which tells what is right, on pictures of which that is known.
TEST_F(EvaluateGenerate, ChecksAJudge) {
  const std::string data = (dir_ / "toy").string();
  const ProgramResult made =
      run_program({MENTOR_BINARY, "toy", "make", "--held-out", "--dreambench", "--count", "12",
                   "--seed", "1", "--size", "64", "--out", data});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("toy: 12 subjects with 9 prompts each"));
  const auto rate = [&](const std::string& method) {
    const std::vector<std::string> settings = {
        "evaluate.dataset=" + data,
        "evaluate.generate.method=" + method,
        "evaluate.generate.format=png",
        "evaluate.judge.kind=oracle",
        "evaluate.judge.runs=1",
        "evaluate.samples_per_prompt=1",
        "evaluate.out=" + (dir_ / ("out_" + method)).string()};
    const ProgramResult drawn = draw(method, settings);
    EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
    const ProgramResult judged = run_program(words(method, settings, 0, "judge"));
    EXPECT_EQ(judged.exit_code, 0) << judged.err;
    EXPECT_THAT(judged.out, HasSubstr("216 ratings: ok 216"));
    double sum = 0;
    for (const Attempt& attempt : read_attempts(ratings_file(dir_ / ("out_" + method)))) {
      if (attempt.key.task == RatingTask::kCp) sum += static_cast<double>(attempt.score.value());
    }
    return sum / 108;
  };
  EXPECT_EQ(rate("reference"), 4);
  EXPECT_LT(rate("mismatched"), 1);
}

/// Three pictures, each with stripes of its own.
void write_stripes(const fs::path& folder) {
  for (int i = 0; i < 3; ++i) {
    Image image(80 + 8 * i, 64);
    for (size_t k = 0; k < image.pixels.size(); ++k) {
      image.pixels[k] = static_cast<uint8_t>(k * static_cast<size_t>(7 + i) / 3);
    }
    write_image(folder / format("{}.png", i), image);
  }
}

// What is measured is what the folder shows, whoever drew it.
TEST_F(EvaluateGenerate, ReconstructsPictures) {
  const fs::path pictures = dir_ / "pictures";
  write_stripes(pictures);
  put_file(pictures / "1.txt", "stripes\n");
  const auto command = [&](const std::string& out, const std::vector<std::string>& more,
                           int ranks = 0) {
    std::vector<std::string> all = words("unused", more, ranks, "reconstruct");
    all.insert(all.end(), {"--pictures", pictures.string(), "--out", (dir_ / out).string()});
    return run_program(all);
  };
  const ProgramResult result = command("one", {});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("model: RMSE 0."), HasSubstr("codec: RMSE 0."),
                                HasSubstr("means over 3 pictures of 64 px, RGB in [0, 1]"),
                                HasSubstr("normalisation unknown, so not comparable: MENTOR 0.1008 "
                                          "and 0.0867, DreamEngine")));
  const auto figures = nlohmann::json::parse(read_text(dir_ / "one/reconstruction.json"));
  double rmse = 0;
  for (size_t i = 0; i < 3; ++i) {
    const auto& line = figures.at("pictures").at(i);
    for (const auto& [folder, key] : {std::pair{"model", "mse"}, std::pair{"codec", "codec_mse"}}) {
      const std::string name = format("{}/{}.png", folder, i);
      const Image target = read_image(dir_ / "one/src_image" / name);
      const Image drawn = read_image(dir_ / "one/tgt_image" / name);
      EXPECT_EQ(target.width, 64);
      double sum = 0;
      for (size_t k = 0; k < target.pixels.size(); ++k) {
        const double difference = (target.pixels[k] - drawn.pixels[k]) / 255.0;
        sum += difference * difference;
      }
      EXPECT_NEAR(line.at(key).get<double>(), sum / (64 * 64 * 3), 1e-12);
      EXPECT_GT(sum, 0);
    }
    rmse += line.at("rmse").get<double>() / 3;
  }
  EXPECT_NEAR(figures.at("mean_rmse").get<double>(), rmse, 1e-12);
  const auto manifest = nlohmann::json::parse(read_text(dir_ / "one/manifest.json"));
  EXPECT_EQ(manifest.at("pictures").at(4).at("prompt"), "The image is <image>\nstripes");
  ASSERT_EQ(command("two", {"generate.max_batch=1"}, /*ranks=*/2).exit_code, 0);
  for (const char* file : {"reconstruction.json", "manifest.json"}) {
    EXPECT_EQ(read_text(dir_ / "two" / file), read_text(dir_ / "one" / file));
  }
  fs::remove(dir_ / "one/tgt_image/codec/2.png");
  ASSERT_EQ(command("one", {}).exit_code, 0);
  EXPECT_EQ(read_text(dir_ / "two/reconstruction.json"),
            read_text(dir_ / "one/reconstruction.json"));
  expect_one_message(
      command("one", {"generate.seed=6"}),
      "one: holds pictures drawn otherwise (generate.seed was 5, is 6): name another "
      "--out");
  put_file(pictures / "0.jpg", "x");
  expect_one_message(command("three", {}), "pictures/0.jpg: has the name of ");
  fs::remove_all(pictures);
  expect_one_message(command("three", {}), "pictures: cannot read the folder");
}

// JourneyDB's lie in folders. What was drawn there is no original.
TEST_F(EvaluateGenerate, ReconstructsPicturesInFolders) {
  const fs::path pictures = dir_ / "pictures";
  fs::create_directories(pictures / "more");
  write_image(pictures / "0.png", Image(64, 64));
  fs::copy_file(pictures / "0.png", pictures / "more/0.PNG");
  std::vector<std::string> command = words("unused", {}, 0, "reconstruct");
  command.insert(command.end(),
                 {"--pictures", pictures.string(), "--out", (pictures / "drawn").string()});
  for (int i = 0; i < 2; ++i) {
    const ProgramResult result = run_program(command);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("means over 2 pictures"));
  }
  EXPECT_TRUE(fs::exists(pictures / "drawn/tgt_image/model/more/0.png"));
  const auto figures = nlohmann::json::parse(read_text(pictures / "drawn/reconstruction.json"));
  EXPECT_EQ(figures.at("pictures").at(1).at("picture"), "more/0.PNG");
  command.insert(command.end(), {"--set", "precision.codec=bf16"});
  expect_one_message(run_program(command), "(precision.codec was fp32, is bf16): name another");
}

}  // namespace
}  // namespace mentor
