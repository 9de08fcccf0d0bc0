#include "mentor/core/filesystem.h"
#include "mentor/image/image_io.h"
#include "support/golden.h"
#include "support/one_message.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <sys/mount.h>

// generate, score, codec and bench as a user runs them, on the tiny preset.

namespace mentor {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string fixture(const std::string& name) { return fixture_path(name).string(); }

class GenerateCommand : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    weights_ = std::make_unique<TempDir>();
    const ProgramResult init =
        run_program({MENTOR_BINARY, "weights", "init", "--seed", "3", "--out", config_folder()});
    ASSERT_EQ(init.exit_code, 0) << init.err;
  }
  static void TearDownTestSuite() { weights_.reset(); }

  static std::string config_folder() { return (*weights_ / "tiny").string(); }
  static std::string config() { return config_folder() + "/config.yaml"; }

  /// `mentor COMMAND CONFIG WORDS...`, quietly.
  static ProgramResult run(const std::string& command, std::vector<std::string> words,
                           const std::string& input = "") {
    words.insert(words.begin(), {MENTOR_BINARY, command, config(), "--log-level", "error"});
    return run_program(std::move(words), input);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    write_text(path(name), text);
  }
  [[nodiscard]] json read_json_file(const std::string& name) const {
    return json::parse(read_text(path(name)));
  }

  /// Runs that must end in one message and leave no picture behind.
  void expect_refused(std::vector<std::string> words, const std::string& part) const {
    SCOPED_TRACE(part);
    words.insert(words.end(), {"--out", path("refused.png")});
    expect_one_message(run("generate", std::move(words)), part);
    EXPECT_FALSE(fs::exists(path("refused.png")));
  }

  const std::string picture_ = fixture("end_to_end/reference.png");
  TempDir dir_;

 private:
  static inline std::unique_ptr<TempDir> weights_;
};

TEST_F(GenerateCommand, DrawsFromAPictureAndASentence) {
  const ProgramResult result =
      run("generate", {"--task", "subject", "--object", "fox", "--image", picture_, "--prompt",
                       "a fox\\nat night", "--out", path("fox.png"), "--seed", "5", "--top-p",
                       "0.9", "--save-tokens", path("codes.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, path("fox.png") + "\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(read_image(path("fox.png")).width, 64);
  const json sidecar = read_json_file("fox.json");
  EXPECT_EQ(sidecar.at("prompt"), "The fox in <image>.\na fox\nat night");
  EXPECT_EQ(sidecar.at("seed"), 5);
  EXPECT_EQ(sidecar.at("weights").size(), 2U);
  EXPECT_GT(sidecar.at("tokens_per_second"), 0);
  EXPECT_THAT(sidecar.at("config").dump(), HasSubstr("top_p: 0.9"));

  // The codes are the picture.
  const json codes = read_json_file("codes.json").at("pictures").at(0);
  EXPECT_EQ(codes.at("codes").size(), 64U);
  const ProgramResult decoded =
      run_program({MENTOR_BINARY, "codec", "decode", path("codes.json"), "--config", config(),
                   "--out", path("again"), "--log-level", "error"});
  ASSERT_EQ(decoded.exit_code, 0) << decoded.err;
  EXPECT_EQ(read_image(path("again/fox.png")), read_image(path("fox.png")));
}

TEST_F(GenerateCommand, ARequestDrawsTheSameWhateverSharesItsBatch) {
  write("requests.jsonl",
        json{{"prompt", "a red fox"}, {"seed", 9}, {"count", 2}}.dump() + "\n\n" +
            json{{"id", "cat"}, {"prompt", "a cat in <image>"}, {"image", picture_}, {"seed", 9}}
                .dump());
  ASSERT_EQ(run("generate", {"--requests", path("requests.jsonl"), "--out", path("all"),
                             "--save-tokens", path("all.json")})
                .exit_code,
            0);
  ASSERT_EQ(run("generate", {"--prompt", "a cat in <image>", "--image", picture_, "--seed", "9",
                             "--out", path("cat.png"), "--save-tokens", path("cat.tokens")})
                .exit_code,
            0);
  const json all = read_json_file("all.json").at("pictures");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all.at(0).at("name"), "000001_000");
  EXPECT_NE(all.at(0).at("codes"), all.at(1).at("codes"));
  EXPECT_EQ(all.at(2).at("codes"), read_json_file("cat.tokens").at("pictures").at(0).at("codes"));
  EXPECT_EQ(read_image(path("all/cat.png")), read_image(path("cat.png")));
}

TEST_F(GenerateCommand, PicturesWithoutAPlaceComeBeforeThePrompt) {
  const auto prompt_of = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--prompt", "a fox at night", "--out", path("fox.png")});
    const ProgramResult result = run("generate", std::move(words));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_json_file("fox.json").at("prompt").get<std::string>();
  };
  EXPECT_EQ(prompt_of({}), "a fox at night");
  EXPECT_EQ(prompt_of({"--image", picture_}), "<image>\n a fox at night");
  EXPECT_EQ(prompt_of({"--image", picture_, "--object", "fox"}),
            "The fox in <image>.\na fox at night");
  EXPECT_EQ(prompt_of({"--image", picture_, "--image", picture_}),
            "<image>.\n<image>.\na fox at night");
  expect_refused({"--image", picture_}, "0 <image> for 1 picture");
  expect_refused({"--prompt", "a fox", "--image", picture_, "--image", picture_, "--object", "fox"},
                 "1 <image> for 2 pictures");
}

TEST_F(GenerateCommand, AnswersLineByLineAndOutlivesABadOne) {
  const ProgramResult result =
      run("generate", {"--stdin-jsonl", "--out", path("served")},
          "{\"id\": \"one\", \"prompt\": \"a fox\"}\nnot json\n{\"prompt\": \"<image>\"}\n"
          "{\"id\": \"two\", \"prompt\": \"a cat\", \"count\": 2}\n"
          "{\"id\": \"picture\", \"prompt\": \"a dog\"}\n{\"prompt\": \"a dog\"}\n");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  std::vector<json> answers;
  for (std::string line; std::getline(lines, line);) answers.push_back(json::parse(line));
  ASSERT_EQ(answers.size(), 6U);
  EXPECT_EQ(answers[0].at("files"), json({path("served/one.png")}));
  EXPECT_THAT(answers[1].at("error").get<std::string>(), HasSubstr("standard input:2"));
  EXPECT_THAT(answers[2].at("error").get<std::string>(), HasSubstr("1 <image> for 0 pictures"));
  EXPECT_EQ(answers[3].at("files").size(), 2U);
  EXPECT_TRUE(fs::exists(path("served/two_001.json")));
  EXPECT_EQ(answers[4].at("files"), json({path("served/picture.png")}));
  EXPECT_EQ(answers[5].at("files"), json({path("served/000006.png")}));
}

TEST_F(GenerateCommand, BadWeightsEndInOneMessage) {
  const auto with_model = [](const std::string& file) {
    return std::vector<std::string>{"--prompt", "a fox", "--set",
                                    "weights.model=" + fixture("checkpoints/" + file)};
  };
  expect_refused(with_model("damaged/truncated_zip.pt"), "not a complete zip archive");
  expect_refused(with_model("damaged/evil_os_system.pt"), "evil_os_system.pt");
  EXPECT_FALSE(fs::exists("EXECUTED_BY_PICKLE"));
  expect_refused(with_model("none.pt"), "none.pt");
}

TEST_F(GenerateCommand, WeightsThatAreNotFiniteDrawNothing) {
  std::string file = read_text(config_folder() + "/model.safetensors");
  uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof(header_size));
  const json header = json::parse(file.substr(8, header_size));
  const size_t begin = header.at("norm.weight").at("data_offsets").at(0);
  file.replace(8 + header_size + begin, 2, "\xC0\x7F");  // a bfloat16 NaN
  write("nan.safetensors", file);
  expect_refused({"--prompt", "a fox", "--set", "weights.model=" + path("nan.safetensors")},
                 "NaN or infinite");
  EXPECT_THAT(run_program({MENTOR_BINARY, "weights", "inspect", path("nan.safetensors")}).out,
              HasSubstr("NaN or infinite values in norm.weight"));
}

TEST_F(GenerateCommand, WeightsOfAnotherSizeAreNamedWithTheCure) {
  const ProgramResult result =
      run("generate", {"--prompt", "a fox", "--out", path("x.png"), "--set",
                       "weights.model=" + fixture("checkpoints/mentor_tiny.pt")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("of another shape"));
  EXPECT_THAT(result.err, HasSubstr("(configured 128)"));
}

TEST_F(GenerateCommand, BadPicturesEndInOneMessage) {
  const auto with_image = [](const std::string& file) {
    return std::vector<std::string>{"--prompt", "the cat in <image>", "--image", file};
  };
  expect_refused(with_image(path("none.png")), "none.png");
  write("empty.png", "");
  expect_refused(with_image(path("empty.png")), "empty.png");
  write_image(path("dot.png"), Image(1, 1));
  expect_refused(with_image(path("dot.png")), "1x1 pixels is too small");
  write("text.jpg", "no picture");
  expect_refused(with_image(path("text.jpg")), "text.jpg");
}

TEST_F(GenerateCommand, BadRequestsEndInOneMessage) {
  expect_refused({"--prompt", "a fox", "--top-p", "1.5"}, "top_p");
  expect_refused({"--prompt", "a fox", "--set", "generate.top_pp=1"}, "did you mean");
  write("config.yaml", "base: " + config() + "\ngenerate:\n  temprature: 1\n");
  expect_one_message(run_program({MENTOR_BINARY, "generate", path("config.yaml"), "-p", "a fox"}),
                     "config.yaml:3");
  std::string words;
  for (int i = 0; i < 200; ++i) words += "fox ";
  expect_refused({"--prompt", words}, "the model takes 128");
  expect_refused({"--prompt", "<image> and <image>", "--image", picture_},
                 "2 <image> for 1 picture");
  expect_refused({"--prompt", "a fox", "--stdin-jsonl"}, "exactly one of");
  expect_refused({"--image", picture_, "--requests", "r.jsonl"}, "exactly one of");
  expect_refused({}, "nothing to draw");
  expect_refused({"--task", "subject", "--image", picture_, "--prompt", "a fox"}, "--object");
  expect_refused({"--prompt", "a fox", "--count", "2"}, "name a folder");
  const auto expect_bad_line = [&](const std::string& line, const std::string& part) {
    write("requests.jsonl", "{\"prompt\": \"a fox\"}\n" + line + "\n");
    expect_refused({"--requests", path("requests.jsonl")}, "requests.jsonl:2: " + part);
  };
  expect_bad_line("{\"promt\": \"a cat\"}", "promt: unknown key");
  expect_bad_line("{\"prompt\": \"a cat\", \"id\": \"../a\"}", "id: '../a' cannot name a file");
  expect_bad_line("{\"prompt\": 3}", "prompt: wrong type");
}

TEST_F(GenerateCommand, APromptWithoutWordsIsRefused) {
  expect_refused({"--prompt", ""}, "mentor generate: --prompt has no words");
  expect_refused({"--prompt", " \\n "}, "mentor generate: --prompt has no words");
  expect_refused({"--prompt", "", "--image", picture_}, "mentor generate: --prompt has no words");
  for (const char* prompt : {"", " \n "}) {
    write("requests.jsonl", "{\"prompt\": \"a fox\"}\n" + json{{"prompt", prompt}}.dump());
    expect_refused({"--requests", path("requests.jsonl")},
                   "requests.jsonl:2: prompt: has no words");
  }
  const ProgramResult served = run("generate", {"--stdin-jsonl", "--out", path("served")},
                                   "{\"prompt\": \" \\n\"}\n{\"prompt\": \"a fox\"}\n");
  ASSERT_EQ(served.exit_code, 0) << served.err;
  EXPECT_THAT(served.out, HasSubstr("standard input:1: prompt: has no words"));
  EXPECT_TRUE(fs::exists(path("served/000002.png")));

  // The picture says all.
  write("requests.jsonl", json{{"prompt", ""},
                               {"task", "segment"},
                               {"object", "fox"},
                               {"image", picture_},
                               {"id", "fox"}}
                              .dump());
  const ProgramResult segmented =
      run("generate", {"--requests", path("requests.jsonl"), "--out", path("segmented")});
  EXPECT_EQ(segmented.exit_code, 0) << segmented.err;
  EXPECT_EQ(read_json_file("segmented/fox.json").at("prompt"), "The fox in <image>.");
}

TEST_F(GenerateCommand, WordsThatTheModelDoesNotKnowAreNamedOnce) {
  write("requests.jsonl", "{\"prompt\": \"a fox \u72d0\"}\n{\"prompt\": \"\u72d0 and xkcd\"}\n");
  const ProgramResult result =
      run_program({MENTOR_BINARY, "generate", config(), "--log-level", "warn", "--requests",
                   path("requests.jsonl"), "--out", path("drawn")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the model does not know 'xkcd', '\u72d0': "));
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_TRUE(fs::exists(path("drawn/000002.png")));
}

TEST_F(GenerateCommand, NumbersThatAreNotWholeOrOutOfRangeAreRefused) {
  const auto expect_bad = [&](const std::string& key, const std::string& value) {
    write("requests.jsonl", "{\"prompt\": \"a fox\", \"" + key + "\": " + value + "}\n");
    const std::string range = key == "seed" ? "0 to 9223372036854775807" : "1 to 4096";
    expect_refused(
        {"--requests", path("requests.jsonl")},
        "requests.jsonl:1: " + key + ": must be a whole number from " + range + ", not " + value);
  };
  for (const char* seed : {"2.7", "-1", "9223372036854775808"}) expect_bad("seed", seed);
  for (const char* count : {"1.9", "0", "9999999999", "true"}) expect_bad("count", count);

  write("records.jsonl", "{\"prompt\": \"a fox\", \"tokens\": [1, 2.5]}\n");
  expect_one_message(run("score", {"--data", path("records.jsonl"), "--out", path("x.jsonl")}),
                     "records.jsonl:1: tokens: 2.5 is no whole number");
  write("codes.json", R"({"pictures": [{"name": "a", "grid": [1.9, 1], "codes": [1]}]})");
  expect_one_message(run_program({MENTOR_BINARY, "codec", "decode", path("codes.json"), "--config",
                                  config(), "--out", path("decoded")}),
                     "picture 0 'a': 1.9 is no whole number");
}

TEST_F(GenerateCommand, RequestsThatWouldWriteOverEachOtherAreRefused) {
  write("requests.jsonl",
        "{\"id\": \"a\", \"prompt\": \"a fox\", \"count\": 2}\n"
        "{\"id\": \"a_000\", \"prompt\": \"a cat\"}\n");
  expect_one_message(run("generate", {"--requests", path("requests.jsonl"), "--out", path("all")}),
                     "requests.jsonl:2: id: 'a_000' draws a picture a_000, and so does 'a' of " +
                         path("requests.jsonl") + ":1: ");
  EXPECT_FALSE(fs::exists(path("all/a_000.png")));
}

TEST_F(GenerateCommand, NamesNeedNotBeUtf8) {
  write_image(path("caf\xe9.png"), read_image(picture_));
  const ProgramResult result =
      run("generate", {"--prompt", "a cup in <image>", "--image", path("caf\xe9.png"), "--out",
                       path("cup\xe9.png"), "--save-tokens", path("codes.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_json_file("cup\xe9.json").at("images").at(0), path("caf\xEF\xBF\xBD.png"));
  EXPECT_EQ(read_json_file("codes.json").at("pictures").at(0).at("name"), "cup\xEF\xBF\xBD");
}

TEST_F(GenerateCommand, SuffixesMayBeInUpperCase) {
  const ProgramResult result = run("generate", {"--prompt", "a fox", "--out", path("fox.PNG")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, path("fox.PNG") + "\n");
  EXPECT_EQ(read_image(path("fox.PNG")).width, 64);
  EXPECT_TRUE(fs::exists(path("fox.json")));
}

TEST_F(GenerateCommand, AFolderThatCannotBeWrittenIsNamed) {
  expect_one_message(run("generate", {"--prompt", "a fox", "--out", "/proc/mentor"}),
                     "/proc/mentor");
  for (const char* name : {"fox.bmp", "fox.BMP"}) {
    expect_one_message(run("generate", {"--prompt", "a fox", "--out", path(name)}),
                       "pictures are written as .png");
  }
}

TEST_F(GenerateCommand, EveryMissingFileIsNamedAtOnce) {
  const ProgramResult result = run(
      "generate",
      {"--prompt", "a fox", "--set", "weights.model=none.pt", "--set", "weights.codec=neither.pt"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("none.pt does not exist\nweights.codec: "));
  EXPECT_THAT(result.err, HasSubstr("neither.pt does not exist"));
}

TEST_F(GenerateCommand, AFullDiskLeavesNothingHalfWritten) {
  const ProgramResult limited = run_program(
      {"/bin/sh", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", MENTOR_BINARY, "generate",
       config(), "--log-level", "error", "--prompt", "a fox", "--out", path("limited")});
  expect_one_message(limited, "picture.png");
  EXPECT_TRUE(fs::is_empty(path("limited")));

  if (::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=8k") != 0) {
    GTEST_SKIP() << "needs the right to mount a small file system";
  }
  const ProgramResult full = run("generate", {"--prompt", "a fox", "--out", path("full")});
  const bool empty = fs::is_empty(path("full"));
  ::umount(dir_.path().c_str());
  expect_one_message(full, "No space left");
  EXPECT_TRUE(empty);
}

TEST_F(GenerateCommand, ScoreWritesOneLinePerRecord) {
  std::vector<int64_t> tokens(64, 7);
  write("records.jsonl",
        json{{"prompt", "a fox"}, {"tokens", tokens}}.dump() + "\n" +
            json{{"id", "b"}, {"prompt", "a fox"}, {"task", "text"}, {"target", picture_}}.dump() +
            "\n");
  const ProgramResult result = run_program({MENTOR_BINARY, "score", config(), "--data",
                                            path("records.jsonl"), "--out", path("nll.jsonl")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("task none: 1 records, mean negative log-likelihood 6.238"));
  EXPECT_THAT(result.err, HasSubstr("task text: 1 records"));
  EXPECT_THAT(result.err, HasSubstr("info: 2 records"));
  std::istringstream lines(read_text(path("nll.jsonl")));
  std::string line;
  for (const char* id : {"000001", "b"}) {
    ASSERT_TRUE(std::getline(lines, line));
    const json score = json::parse(line);
    EXPECT_EQ(score.at("id"), id);
    EXPECT_EQ(score.at("task"), id == std::string("b") ? "text" : "none");
    EXPECT_EQ(score.at("tokens"), 64);
    EXPECT_NEAR(score.at("nll_mean"), std::log(512.0), 1e-3) << "every code is equally likely";
  }
  write("bad.jsonl", "{\"prompt\": \"a fox\", \"tokens\": [1, 2]}\n");
  expect_one_message(run("score", {"--data", path("bad.jsonl"), "--out", path("x.jsonl")}),
                     "2 tokens, the model's pictures have 64");
  EXPECT_FALSE(fs::exists(path("x.jsonl")));
  expect_one_message(run("score", {"--data", path("records.jsonl")}), "--out: name the file");
  expect_one_message(run("score", {}), "data.validation: is not set");
}

TEST_F(GenerateCommand, CodecEncodeTakesWholePicturesAndNamesThem) {
  const auto encode = [&](const std::string& file) {
    return run_program({MENTOR_BINARY, "codec", "encode", picture_, picture_, "--full", "--config",
                        config(), "--out", file, "--log-level", "error"});
  };
  ASSERT_EQ(encode(path("codes.json")).exit_code, 0);
  const json pictures = read_json_file("codes.json").at("pictures");
  ASSERT_EQ(pictures.size(), 2U);
  EXPECT_EQ(pictures.at(0).at("name"), "reference");
  EXPECT_EQ(pictures.at(1).at("name"), "reference_002");
  EXPECT_EQ(pictures.at(0).at("codes"), pictures.at(1).at("codes"));
  const Image image = read_image(picture_);
  EXPECT_EQ(pictures.at(0).at("grid"), json({image.height / 8, image.width / 8}));
  expect_one_message(encode("/proc/mentor.json"), "/proc");
  write("bad.json", "{\"pictures\": [{\"name\": \"a\", \"grid\": [2, 2], \"codes\": [1, 2, 3]}]}");
  expect_one_message(
      run_program({MENTOR_BINARY, "codec", "decode", path("bad.json"), "--config", config()}),
      "3 codes do not fill a grid of 2 x 2");
}

TEST_F(GenerateCommand, CodecGivesEveryPictureAFileOfItsOwn) {
  std::vector<std::string> encode = {MENTOR_BINARY, "codec", "encode",      "--config",
                                     config(),      "--out", path("a.json")};
  for (const char* name : {"one/a.png", "two/a.png", "a_002.png"}) {
    write_image(path(name), Image(64, 64));
    encode.push_back(path(name));
  }
  const ProgramResult encoded = run_program(encode);
  ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
  const ProgramResult decoded = run_program(
      {MENTOR_BINARY, "codec", "decode", path("a.json"), "--config", config(), "--out", path("b")});
  EXPECT_EQ(decoded.exit_code, 0) << decoded.err;
  EXPECT_EQ(decoded.out,
            path("b/a.png") + "\n" + path("b/a_002.png") + "\n" + path("b/a_002_003.png") + "\n");
  write("twice.json", R"({"pictures": [{"name": "a", "grid": [1, 1], "codes": [0]},
                                       {"name": "c/a", "grid": [1, 1], "codes": [1]}]})");
  expect_one_message(
      run_program({MENTOR_BINARY, "codec", "decode", path("twice.json"), "--config", config()}),
      "twice.json: two pictures would be written as out/a.png");
}

TEST_F(GenerateCommand, CodesDoNotDependOnWhatTheModelsComputeIn) {
  Image noise(256, 256);  // codes enough that bf16 changes some
  std::mt19937 random(0);
  for (uint8_t& value : noise.pixels) value = static_cast<uint8_t>(random());
  write_image(path("noise.png"), noise);
  const auto codes = [&](const std::vector<std::string>& set) {
    std::vector<std::string> words = {
        MENTOR_BINARY, "codec", "encode",           path("noise.png"), "--full", "--config",
        config(),      "--out", path("codes.json"), "--log-level",     "error"};
    for (const std::string& value : set) words.insert(words.end(), {"--set", value});
    const ProgramResult result = run_program(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_json_file("codes.json").at("pictures").at(0).at("codes");
  };
  const json exact = codes({"runtime.dtype=fp32"});
  EXPECT_EQ(codes({"runtime.dtype=bf16"}), exact);
  EXPECT_NE(codes({"runtime.dtype=bf16", "precision.codec=bf16"}), exact);
}

TEST_F(GenerateCommand, BenchPrintsOneLineOfJson) {
  const std::map<std::string, std::vector<std::string>> numbers = {
      {"decode", {"--prompt-tokens", "20", "--steps", "3", "--runs", "2"}},
      {"encode", {"--prompt-tokens", "20", "--runs", "2"}},
      {"codec", {"--runs", "2"}},
      {"load", {"--prompt-tokens", "20"}}};
  for (const auto& [what, options] : numbers) {
    std::vector<std::string> words = {MENTOR_BINARY, "bench",       what,   config(),
                                      "--json",      "--log-level", "error"};
    words.insert(words.end(), options.begin(), options.end());
    const ProgramResult result = run_program(words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json figures = json::parse(result.out);
    EXPECT_EQ(figures.at("bench"), what);
    EXPECT_GT(figures.at("peak_memory_mib").at("median"), 0);
  }
}

TEST_F(GenerateCommand, BenchTrainTellsItsFormula) {
  const ProgramResult result =
      run_program({MENTOR_BINARY, "bench", "train", "--preset", "tiny", "--json", "--log-level",
                   "error", "--prompt-tokens", "20", "--micro-batch", "3", "--runs", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json figures = json::parse(result.out);
  const double step_s = figures.at("step_ms").at("median").get<double>() / 1000;
  EXPECT_GE(figures.at("step_ms").at("max"), figures.at("forward_ms").at("min"));
  EXPECT_NEAR(figures.at("tokens_per_s").at("median").get<double>(), 3 * (20 + 63) / step_s, 1);
  EXPECT_GT(figures.at("mfu").at("median"), 0);
  EXPECT_NE(figures.at("mfu_formula").get<std::string>().find("step time x peak"),
            std::string::npos);
  EXPECT_NE(figures.at("peak").get<std::string>().find("TFLOP/s"), std::string::npos);
}

}  // namespace
}  // namespace mentor
