#include "mentor/core/filesystem.h"
#include "mentor/image/image_io.h"
#include "support/golden.h"
#include "support/one_message.h"
#include "support/rank_variables.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string fixture(const std::string& name) { return fixture_path(name).string(); }

ProgramResult data(std::vector<std::string> words) {
  words.insert(words.begin(), {MENTOR_BINARY, "data"});
  return run_program(std::move(words));
}

TEST(DataCommand, CheckListsEveryBadRecordOnceWithItsPlace) {
  const std::string file = fixture("data/malformed/malformed.jsonl");
  const ProgramResult result = data({"check", file});
  expect_one_message(result, "23 of 26 records are bad (88.5 %)");
  for (const json& line :
       json::parse(read_text(fixture("data/malformed/expected.json"))).at("malformed.jsonl")) {
    const std::string place = file + ":" + line.at("line").dump() + ": ";
    const bool listed = result.out.find(place) != std::string::npos;
    EXPECT_EQ(listed, !line.at("reason").is_null()) << place;
  }
  EXPECT_THAT(result.out, HasSubstr("bad: missing_file"));
  const ProgramResult tolerant = data({"check", file, "--limit", "0.9"});
  EXPECT_EQ(tolerant.exit_code, 0);
  EXPECT_EQ(tolerant.out, result.out);
}

TEST(DataCommand, CheckCountsTasksTheSameOnAnyNumberOfThreads) {
  const auto check = [](const std::string& threads) {
    return data({"check", fixture("data/records.jsonl"), "--backgrounds",
                 fixture("data/background.jsonl"), "--limit", "0.2", "--set",
                 "runtime.threads=" + threads});
  };
  const ProgramResult one = check("1");
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("recovery                   1"));
  EXPECT_EQ(one.out, check("6").out);
}

/// A configuration beside the recorded records, which an entry of its mixture names.
std::string mixture_config(const TempDir& dir) {
  write_text(dir / "mixture.yaml", "base: " + (dir / "weights/config.yaml").string() + R"(
runtime: {dtype: bf16}
data:
  backgrounds: )" + fixture("data/background.jsonl") +
                                       R"(
  bad_record_limit: 0.2
  mixture:
    recover: {file: )" + fixture("data/records.jsonl") +
                                       ", tasks: [recovery]}\n    gone: {file: gone.jsonl}\n");
  return (dir / "mixture.yaml").string();
}

TEST(DataCommand, ChecksAndInspectsTheMixture) {
  const TempDir dir;
  ASSERT_EQ(run_program({MENTOR_BINARY, "weights", "init", "--out", (dir / "weights").string()})
                .exit_code,
            0);
  const std::string config = mixture_config(dir), records = fixture("data/records.jsonl");
  expect_one_message(data({"check", "-c", config}),
                     "mixture.yaml:8: data.mixture.gone.file: there is no file");
  const ProgramResult check =
      data({"check", "-c", config, "--set", "data.mixture.gone.samples=0", "--set",
            "data.validation=" + records, "--set", "data.validation_samples=6"});
  EXPECT_EQ(check.exit_code, 0) << check.err;
  EXPECT_THAT(check.out, HasSubstr("recover (" + records + "): 1 records, 0 bad\n"));
  EXPECT_THAT(check.out, HasSubstr("validation (" + records + "): 6 records, 0 bad\n"));

  const auto seen = [&](const std::string& name, const std::vector<std::string>& source) {
    std::vector<std::string> words = {"inspect", config,  "--index",
                                      "7",       "--out", (dir / name).string()};
    words.insert(words.end(), source.begin(), source.end());
    const ProgramResult result = data(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_image(dir / name / "clip_0.png");
  };
  const Image by_file = seen("file", {"--data", records});
  EXPECT_EQ(by_file, seen("entry", {"--entry", "recover"}));
  EXPECT_NE(by_file, seen("plain", {"--data", records, "--set", "data.mixture.recover.file=x"}))
      << "the entry's name is in the seed";
  expect_one_message(data({"inspect", config, "--out", "x"}), "--data");
}

TEST(DataCommand, EncodesOnceOnAnyNumberOfProcesses) {
  const TempDir dir;
  ASSERT_EQ(run_program({MENTOR_BINARY, "weights", "init", "--out", (dir / "weights").string()})
                .exit_code,
            0);
  const std::string config = mixture_config(dir), cache = (dir / "codes").string();
  const auto encode = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"encode", config, "--set",
                                      "data.mixture.gone.file=" + fixture("data/records.jsonl")};
    words.insert(words.end(), more.begin(), more.end());
    return data(words);
  };
  EXPECT_EQ(encode({"--code-cache", cache, "--shard", "1/2"}).exit_code, 0);
  // As torchrun starts it: the other half.
  std::vector<std::string> half = {"/usr/bin/env"};
  for (const std::string& variable : rank_variables(0, 2, FreePort().number())) {
    half.push_back(variable);
  }
  half.insert(half.end(), {MENTOR_BINARY, "data", "encode", config, "--set",
                           "data.mixture.gone.samples=0", "--code-cache", cache});
  const ProgramResult ranked = run_program(half);
  EXPECT_EQ(ranked.exit_code, 0) << ranked.err;
  EXPECT_TRUE(fs::exists(cache + "/codes-0000.bin"));
  (void)encode({"--code-cache", cache});
  const ProgramResult again = encode({"--code-cache", cache});
  EXPECT_EQ(again.out, cache + ": 0 targets encoded, 17 known already, 2 bad records left out\n");
  expect_one_message(encode({}), "data.code_cache: is not set");
  expect_one_message(
      encode({"--code-cache", cache, "--set", "precision.codec=bf16", "--log-level", "warn"}),
      "other weights or another precision");
  for (const char* shard : {"2/2", "0/2x"}) {
    expect_one_message(encode({"--code-cache", cache, std::string("--shard=") + shard}), "--shard");
  }
}

TEST(DataCommand, InspectWritesWhatTheModelSees) {
  const TempDir dir;
  const std::string weights = (dir / "weights").string(), seen = (dir / "seen").string();
  ASSERT_EQ(run_program({MENTOR_BINARY, "weights", "init", "--out", weights}).exit_code, 0);
  const auto inspect = [&](const std::string& index) {
    return data({"inspect", weights + "/config.yaml", "--data", fixture("data/records.jsonl"),
                 "--backgrounds", fixture("data/background.jsonl"), "--index", index, "--out",
                 seen});
  };
  const ProgramResult result = inspect("7");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json sample = json::parse(read_text(dir / "seen/sample.json"));
  EXPECT_EQ(sample.at("task"), "recovery");
  EXPECT_EQ(sample.at("prompt"),
            "The hedgehog in <image>.\nA hedgehog and a wrench; the hedgehog sleeps.");
  EXPECT_EQ(sample.at("ids").size(), sample.at("prompt_tokens"));
  EXPECT_EQ(read_image(dir / "seen/target.png").width, 64);
  const Image clip = read_image(dir / "seen/clip_0.png");
  EXPECT_EQ(clip.width, 56);
  EXPECT_EQ(result.out, seen + "/clip_0.png\n" + seen + "/target.png\n" + seen + "/sheet.png\n" +
                            seen + "/sample.json\n");
  ASSERT_EQ(inspect("7").exit_code, 0);
  EXPECT_EQ(read_image(dir / "seen/clip_0.png"), clip) << "the same seed and epoch";
  expect_one_message(inspect("99"), "there is no record 99");
}

}  // namespace
}  // namespace mentor
