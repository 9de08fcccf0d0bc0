#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "support/run_program.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace mentor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ProgramResult mentor_run(const std::string& arguments) {
  std::vector<std::string> words = {MENTOR_BINARY};
  std::istringstream in(arguments);
  for (std::string word; in >> word;) words.push_back(word);
  return run_program(words);
}

/// The commands that a help text lists under its headings.
std::vector<std::string> listed_commands(const std::string& help) {
  std::vector<std::string> names;
  std::istringstream lines(help.substr(help.find("Usage:")));
  for (std::string line; std::getline(lines, line) && line != "Options:";) {
    if (line.starts_with("  ") && line[2] != ' ') {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
  }
  return names;
}

/// Walks all commands, so that a new one is covered without being named here.
void expect_help(const std::string& command, int& count) {
  const ProgramResult result = mentor_run(command + " --help");
  SCOPED_TRACE("mentor" + command);
  EXPECT_EQ(result.exit_code, kExitDone);
  EXPECT_EQ(result.err, "");
  ASSERT_THAT(result.out, HasSubstr("Usage: mentor" + command));
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  ++count;
  for (const std::string& name : listed_commands(result.out)) {
    expect_help(command + " " + name, count);
  }
}

TEST(Program, EveryCommandHasHelp) {
  int count = 0;
  expect_help("", count);
  EXPECT_GE(count, 6);  // mentor, tokenize, config and its three
}

TEST(Program, WithoutArgumentsShowsTheHelp) {
  EXPECT_EQ(mentor_run("").out, mentor_run("--help").out);
  EXPECT_EQ(mentor_run("config").out, mentor_run("config --help").out);
}

TEST(Program, VersionNamesBuildAndMachine) {
  const ProgramResult result = mentor_run("--version");
  EXPECT_EQ(result.exit_code, kExitDone);
  for (const char* part : {"mentor 0.", "git ", "compiler ", "LibTorch   2.", "CUDA ", "bf16 "}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
}

struct BadCommandLine {
  const char* arguments;
  const char* error;
};

class BadCommandLineTest : public testing::TestWithParam<BadCommandLine> {};

TEST_P(BadCommandLineTest, EndsInOneMessageAndExitCodeTwo) {
  const ProgramResult result = mentor_run(GetParam().arguments);
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, std::string("error: ") + GetParam().error + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    All, BadCommandLineTest,
    testing::Values(
        BadCommandLine{"confg",
                       "mentor: there is no command 'confg' (did you mean 'config'?); see mentor "
                       "--help"},
        BadCommandLine{"config dmp",
                       "mentor config: there is no command 'dmp' (did you mean 'dump'?); see "
                       "mentor config --help"},
        BadCommandLine{"--verison",
                       "mentor: there is no option --verison (did you mean '--version'?); see "
                       "mentor --help"},
        BadCommandLine{"config dump --minmal",
                       "mentor config dump: there is no option --minmal (did you mean "
                       "'--minimal'?); see mentor config dump --help"},
        BadCommandLine{"config check --log-lvel=info",
                       "mentor config check: there is no option --log-lvel (did you mean "
                       "'--log-level'?); see mentor config check --help"},
        BadCommandLine{"config dump a.yaml config",
                       "mentor config dump: 'config' is one argument too many; see mentor config "
                       "dump --help"},
        BadCommandLine{"config check",
                       "mentor config check: FILE is required; see mentor config check --help"},
        BadCommandLine{"config dump --set",
                       "mentor config dump: --set: 1 required KEY=VALUE missing; see mentor config "
                       "dump --help"},
        BadCommandLine{"--log-level loud config",
                       "log level 'loud' is unknown: use debug, info, warn, error or off"},
        BadCommandLine{"config dump --set seed",
                       "--set: 'seed' is no assignment: write KEY=VALUE, as in generate.seed=1"},
        BadCommandLine{"config dump --set generate.top_p=3",
                       "--set: generate.top_p: must be > 0 and <= 1, not 3"},
        BadCommandLine{"config dump nothere.yaml",
                       "nothere.yaml: cannot open: No such file or directory"},
        BadCommandLine{"config dump /", "/: is a folder, not a file"},
        BadCommandLine{"config help genrate",
                       "there is no section or key 'genrate' (did you mean 'generate'?)"},
        BadCommandLine{"launch --nproc 2",
                       "there is no command: put it after --, as in mentor launch --nproc 2 -- "
                       "train CONFIG"},
        BadCommandLine{"launch --nproc 2 -- confg dump",
                       "there is no command 'confg' (did you mean 'config'?)"},
        BadCommandLine{"launch --nproc 2 -- launch", "launch: cannot start itself"},
        BadCommandLine{"launch --nproc 0 -- config dump", "--nproc: 0 is not from 1 to 4096"},
        BadCommandLine{"launch --nproc two -- config dump",
                       "mentor launch: Could not convert: --nproc = two; see mentor launch --help"},
        BadCommandLine{
            "launch --nodes 2 -- config dump",
            "--master: several nodes need it: HOST:PORT with the machine of node rank 0"},
        BadCommandLine{"launch --nodes 2 --node-rank 2 --master a:1 -- config dump",
                       "--node-rank: 2 is not from 0 to 1, for --nodes 2"},
        BadCommandLine{"launch --master gpu-1 -- config dump",
                       "--master: 'gpu-1' is not HOST:PORT; give the machine of node rank 0 and a "
                       "free port, as in --master gpu-1:29500"},
        BadCommandLine{"tokenize --prompt x",
                       "weights.tokenizer: is not set: give a configuration that sets it, or "
                       "--tokenizer PATH (spiece.model, tokenizer.json or their folder)"}));

TEST(ConfigCommand, ChecksSeveralFilesAndReportsAllProblems) {
  const TempDir dir;
  const std::string good = (dir / "good.yaml").string();
  const std::string bad = (dir / "bad.yaml").string();
  const std::string worse = (dir / "worse.yaml").string();
  write_text(good, "model: {preset: tiny}\n");
  write_text(bad, "modle: 1\ngenerate: {top_p: 2}\n");
  write_text(worse, "model:\n  preset: tiny\n  image_size: 100\n");
  const ProgramResult result = mentor_run("config check " + good + " " + bad + " " + worse);
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_EQ(result.out, good + ": valid\n");
  EXPECT_EQ(result.err,
            "error: 3 problems:\n" + bad + ":1: modle: unknown key (did you mean 'model'?)\n" +
                bad + ":2: generate.top_p: must be > 0 and <= 1, not 2\n" + worse +
                ": model.decoder.grid: 8 x downsampling 8 of the codec is 64 px, but image_size "
                "is 100\n");
}

TEST(ConfigCommand, DumpIsAConfiguration) {
  const TempDir dir;
  const ProgramResult first = mentor_run("config dump --set generate.seed=7");
  ASSERT_EQ(first.exit_code, kExitDone) << first.err;
  EXPECT_THAT(first.out, HasSubstr("# embedded default:2"));
  write_text(dir / "dumped.yaml", first.out);
  const ProgramResult minimal =
      mentor_run("config dump --minimal " + (dir / "dumped.yaml").string());
  ASSERT_EQ(minimal.exit_code, kExitDone) << minimal.err;
  EXPECT_THAT(minimal.out, StartsWith("model:\n  preset: tiny "));
  EXPECT_THAT(minimal.out, HasSubstr("\ngenerate:\n  seed: 7 "));
  EXPECT_EQ(std::ranges::count(minimal.out, '\n'), 4) << minimal.out;
}

TEST(LaunchCommand, RunsThisProgramSeveralTimes) {
  const ProgramResult result =
      mentor_run("launch --nproc 2 -- config dump --minimal --set generate.seed=7");
  EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\n  seed: 7 "));
  EXPECT_THAT(result.out, HasSubstr("[rank 1]   seed: 7 "));
}

TEST(LaunchCommand, EndsWithTheMessageAndCodeOfTheFailedRank) {
  const ProgramResult result = mentor_run("launch --nproc 2 -- config dump nothere.yaml");
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_THAT(result.err, HasSubstr(" of 2 failed first, with exit code 2:\n"));
  EXPECT_TRUE(result.err.ends_with("error: nothere.yaml: cannot open: No such file or directory\n"))
      << result.err;
}

TEST(TokenizeCommand, ShowsIdsAndPieces) {
  const ProgramResult result = run_program(
      {MENTOR_BINARY, "tokenize", "--tokenizer",
       MENTOR_SOURCE_DIR "/tests/golden/tokenizer/spiece.model", "--prompt", "A cat\\nin <image>"});
  EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\n  1000  <image>\n"));
  EXPECT_TRUE(result.out.ends_with("     1  </s>\n")) << result.out;
}

TEST(Program, FullDiskIsReported) {
  const ProgramResult result =
      run_program({"/bin/sh", "-c", MENTOR_BINARY " config dump > /dev/full"});
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_EQ(result.err, "error: standard output: cannot write (is the disk full?)\n");
}

}  // namespace
}  // namespace mentor
