#include "dist/several_ranks.h"
#include "mentor/core/cpu_features.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <regex>
#include <set>

namespace mentor {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> launch_words(const std::vector<std::string>& words) {
  std::vector<std::string> all{DIST_RANK, "launch"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

ProgramResult run_launch(const std::vector<std::string>& words) {
  return run_program(launch_words(words));
}

/// The process ids that the ranks of "saves" have told, once all have.
std::set<pid_t> wait_for_ready(const StartedProgram& launcher, size_t count) {
  const std::regex ready("ready ([0-9]+)\n");
  std::set<pid_t> pids;
  const auto read_pids = [&] {
    const std::string text = launcher.err();
    for (std::sregex_iterator match(text.begin(), text.end(), ready), end; match != end; ++match) {
      pids.insert(std::stoi((*match)[1]));
    }
    return pids.size() == count;
  };
  EXPECT_TRUE(comes_true(read_pids)) << launcher.err();
  return pids;
}

/// A zombie that nobody has reaped yet has ended too.
bool has_ended(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(in, text);
  return text.empty() || text.find(") Z ") != text.npos;
}

TEST(Launcher, TellsRanksWhoTheyAreAndSharesTheCores) {
  const ProgramResult result = run_launch({"nproc=2", "show"});
  EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  const std::string threads = std::to_string(std::max(1, physical_cores() / 2));
  EXPECT_THAT(result.out, HasSubstr("rank 0/2 local 0/2 threads " + threads + "\n"));
  EXPECT_THAT(result.out, HasSubstr("[rank 1] rank 1/2 local 1/2 threads " + threads + "\n"));
  EXPECT_THAT(result.out, HasSubstr("[rank 1] no line break at the end\n"));
  EXPECT_EQ(result.err, "");
}

TEST(Launcher, WritesOneFilePerRank) {
  const TempDir dir;
  const ProgramResult result =
      run_launch({"nproc=2", "threads=7", "log_dir=" + (dir / "logs").string(), "show"});
  EXPECT_EQ(result.out, "rank 0/2 local 0/2 threads 7\nno line break at the end");
  for (const char* rank : {"0", "1"}) {
    EXPECT_EQ(read_text(dir / "logs" / (std::string("rank_00") + rank + ".log")),
              std::string("rank ") + rank + "/2 local " + rank +
                  "/2 threads 7\nno line break at the end\n");
  }
}

TEST(Launcher, RanksMeet) {
  const ProgramResult result = run_launch({"nproc=2", "values"});
  EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  EXPECT_THAT(result.out, HasSubstr("rank 0 of 2: values done\n"));
  const ProgramResult both = run_launch({"nproc=2", "both"});
  EXPECT_EQ(both.exit_code, kExitDone) << both.err;
}

TEST(Launcher, NodesMeetAtTheMaster) {
  const FreePort port;
  const std::string master = "master=127.0.0.1:" + std::to_string(port.number());
  StartedProgram first(launch_words({"nproc=1", "nodes=2", master, "values"}));
  StartedProgram second(launch_words({"nproc=1", "nodes=2", "node_rank=1", master, "values"}));
  EXPECT_EQ(first.wait().exit_code, kExitDone);
  const ProgramResult result = second.wait();
  EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  EXPECT_EQ(result.out, "[rank 1] rank 1 of 2: values done\n");
}

TEST(Launcher, EndsWithTheFirstFailure) {
  const ProgramResult result = run_launch({"nproc=2", "one_fails"});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_THAT(result.err, HasSubstr("rank 0 was told to end\n"));
  EXPECT_THAT(result.err,
              EndsWith("error: rank 1 of 2 failed first, with exit code 7:\nerror: the cause\n"));
}

TEST(Launcher, KillsWhatDoesNotEnd) {
  const ProgramResult result = run_launch({"nproc=2", "ignores_the_end"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "error: rank 1 of 2 failed first, with exit code 3\n");
}

TEST(Launcher, NamesTheSignalThatEndedARank) {
  const ProgramResult result = run_launch({"nproc=2", "killed"});
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_THAT(result.err, EndsWith("error: rank 1 of 2 ended first, by signal 9 (Killed; was the "
                                   "memory used up?)\n"));
}

TEST(Launcher, SignalsGoToEveryRankOnce) {
  for (const int signal : {SIGINT, SIGTERM}) {
    StartedProgram launcher(launch_words({"nproc=2", "saves"}));
    wait_for_ready(launcher, 2);
    ::kill(launcher.pid(), signal);
    const ProgramResult result = launcher.wait();
    EXPECT_EQ(result.exit_code, 128 + signal);
    EXPECT_THAT(result.err, HasSubstr("[rank 1] saved\n"));
    EXPECT_THAT(result.err, testing::ContainsRegex("(^|\n)saved\n"));
    EXPECT_THAT(result.err, Not(HasSubstr("error")));
  }
}

TEST(Launcher, LeavesNoOrphanWhenItIsKilled) {
  StartedProgram launcher(launch_words({"nproc=2", "saves"}));
  const std::set<pid_t> ranks = wait_for_ready(launcher, 2);
  ::kill(launcher.pid(), SIGKILL);
  launcher.wait();
  for (const pid_t rank : ranks) {
    EXPECT_TRUE(comes_true([&] { return has_ended(rank); }));
  }
}

}  // namespace
}  // namespace mentor
