#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "support/processes.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace mentor {
namespace {

using testing::HasSubstr;

class Jobs : public testing::Test {
 protected:
  /// Each as "NAME:AFTER:SCENARIO" of dist_rank, AFTER the place of another one or empty.
  [[nodiscard]] std::vector<std::string> words(int at_a_time, std::vector<std::string> jobs) const {
    jobs.insert(jobs.begin(), {DIST_RANK, "jobs", std::to_string(at_a_time), dir_.path().string()});
    return jobs;
  }
  [[nodiscard]] bool has_log(const std::string& name) const {
    return fs::exists(dir_ / (name + ".log"));
  }
  [[nodiscard]] std::string log(const std::string& name) const {
    return has_log(name) ? read_text(dir_ / (name + ".log")) : "";
  }
  void stop_with(int signal) const {
    StartedProgram program(words(2, {"first::saves", "second:0:alone", "third::saves"}));
    EXPECT_TRUE(comes_true([this] {
      return log("first").find("ready") != std::string::npos &&
             log("third").find("ready") != std::string::npos;
    }));
    ::kill(program.pid(), signal);
    EXPECT_EQ(program.wait().exit_code, 128 + signal);
    EXPECT_THAT(log("first"), HasSubstr("saved"));
    EXPECT_THAT(log("third"), HasSubstr("saved"));
    EXPECT_FALSE(has_log("second"));
  }

  const TempDir dir_;
};

TEST_F(Jobs, RunAloneAndAfterOneAnother) {
  StartedProgram program(words(1, {"a::alone", "b:0:alone", "c:1:alone"}),
                         {.environment = {"RANK=1", "WORLD_SIZE=2"}});
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  EXPECT_EQ(result.out + result.err, "");
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(log(name), "alone 1, threads 1\n");
}

TEST_F(Jobs, EndWithTheFirstFailure) {
  const ProgramResult result = run_program(
      words(2, {"waits::saves", "wrong::has_a_cause", "later:1:alone", "after_all:0:alone"}));
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.err, "error: wrong failed first, with exit code 7:\nerror: the cause\n");
  EXPECT_FALSE(has_log("later"));
  EXPECT_FALSE(has_log("after_all"));
}

TEST_F(Jobs, SaveWhatTheyHaveWhenASignalComes) {
  stop_with(SIGINT);
  for (const char* name : {"first", "third"}) fs::remove(dir_ / (std::string(name) + ".log"));
  stop_with(SIGTERM);
}

TEST_F(Jobs, EndWhenWhoStartedThemIsKilled) {
  StartedProgram program(words(2, {"first::saves"}));
  EXPECT_TRUE(comes_true([this] { return log("first").find("ready") != std::string::npos; }));
  const std::vector<pid_t> children = children_of(program.pid());
  kill_at_once(program);
  for (const pid_t child : children) EXPECT_FALSE(is_running(child));
}

}  // namespace
}  // namespace mentor
