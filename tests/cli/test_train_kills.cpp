#include "support/rank_variables.h"
#include "support/train_program.h"

#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <random>

// mentor train when something ends it: at any moment, and on one rank of two.

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class TrainKills : public TrainProgram {
 protected:
  [[nodiscard]] int64_t newest(const std::string& out) const {
    const std::set<int64_t> all = steps(out);
    return all.empty() ? 0 : *all.rbegin();
  }
  /// Whether a checkpoint is being written; or was, when its writer was killed.
  [[nodiscard]] bool has_unfinished(const std::string& out) const {
    std::error_code none_yet;
    const fs::directory_iterator entries(dir_ / out / "checkpoints", none_yet);
    return std::any_of(fs::begin(entries), fs::end(entries),
                       [](const auto& entry) { return entry.path().extension() == ".tmp"; });
  }
  /// A folder has the name of a checkpoint only if it is a whole one.
  void expect_whole_checkpoints(const std::string& out) const {
    static const std::regex whole("step_[0-9]{8}"),
        other("(superseded_)?step_[0-9]{8}(\\.removed)?\\.tmp|superseded_step_[0-9]{8}");
    std::error_code none_yet;
    for (const auto& entry : fs::directory_iterator(dir_ / out / "checkpoints", none_yet)) {
      const std::string name = entry.path().filename();
      if (!std::regex_match(name, whole)) {
        EXPECT_TRUE(std::regex_match(name, other)) << name;
        continue;
      }
      for (const char* file :
           {"state.yaml", "config.yaml", "model.safetensors", "optimizer.rank00000.safetensors"}) {
        EXPECT_TRUE(fs::exists(entry.path() / file)) << name << " lacks " << file;
      }
    }
  }
};

TEST_F(TrainKills, AtTwentyMomentsNothingIsLost) {
  const TrainCall endless{.set = {"train.steps=100000", "checkpoint.every=1",
                                  "train.global_batch=2", "train.micro_batch=2"}};
  const auto seed = std::random_device()();
  std::mt19937 random(seed);
  const auto sleep_up_to = [&random](int milliseconds) {
    const int chosen = std::uniform_int_distribution<int>(0, milliseconds * 1000)(random);
    std::cout << chosen / 1000.0 << " ms" << std::endl;
    ::usleep(chosen);
  };
  std::cout << "seed " << seed << "\n";
  int during_save = 0;
  for (int kill = 0; kill < 20; ++kill) {
    SCOPED_TRACE(testing::Message() << "kill " << kill << " of seed " << seed);
    const int64_t before = newest("run");
    const auto has_saved = [&] { return newest("run") > before; };
    StartedProgram program(words(endless));
    if (kill % 3 == 0) {
      sleep_up_to(1500);  // also before it has begun
    } else {
      ASSERT_TRUE(comes_true(has_saved)) << "goes on from step " << before << program.err();
      if (kill % 3 == 1) {
        sleep_up_to(150);
      } else {
        ASSERT_TRUE(comes_true([&] { return has_unfinished("run"); }));
        sleep_up_to(20);
      }
    }
    kill_at_once(program);
    during_save += has_unfinished("run") ? 1 : 0;
    expect_whole_checkpoints("run");
    EXPECT_GE(newest("run"), before);
  }
  EXPECT_GE(during_save, 1);
  const int64_t end = newest("run") + 2;
  const TrainCall last = with(endless, {"train.steps=" + std::to_string(end)});
  train(last);
  TrainCall whole = with(last, {"checkpoint.every=0"});
  whole.out = "whole";
  train(whole);
  std::cout << end << " steps, " << during_save << " kills during a save\n";
  expect_same_state(checkpoint("run", end), checkpoint("whole", end));
  for (const char* key : {"step", "loss", "grad_norm", "lr", "tokens"}) {
    EXPECT_EQ(values("run", key), values("whole", key)) << key;
  }
}

/// Two ranks of a run, started as torchrun does: nobody looks after them.
class TwoRanks {
 public:
  explicit TwoRanks(const std::vector<std::string>& words) {
    for (int rank = 0; rank < 2; ++rank) {
      ranks_[rank] = std::make_unique<StartedProgram>(
          words, ProgramStart{.environment = rank_variables(rank, 2, port_.number())});
    }
  }
  StartedProgram& operator[](int rank) { return *ranks_[rank]; }

 private:
  FreePort port_;
  std::array<std::unique_ptr<StartedProgram>, 2> ranks_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST_F(TrainKills, TheOtherRankNamesTheOneThatDiedOrHangs) {
  const TrainCall call{
      .set = {"train.steps=100000", "checkpoint.every=2", "distributed.timeout_s=6"}};
  for (const int signal : {SIGKILL, SIGSTOP}) {
    SCOPED_TRACE(signal);
    TwoRanks ranks(words(call));
    const int64_t before = newest("run");
    ASSERT_TRUE(comes_true([&] { return newest("run") > before; })) << ranks[0].err();
    const auto start = std::chrono::steady_clock::now();
    ::kill(ranks[1].pid(), signal);
    const ProgramResult survivor = ranks[0].wait();
    EXPECT_LT(seconds_since(start), signal == SIGKILL ? 6 : 18);
    EXPECT_EQ(survivor.exit_code, 2);
    EXPECT_THAT(survivor.err, ContainsRegex("error: [^\n]*rank 1[^\n]*\n$"));
    EXPECT_THAT(read_text(path("run/report.html")), HasSubstr("rank 1"));
    kill_at_once(ranks[1]);
    expect_whole_checkpoints("run");
  }
  const int64_t last = newest("run");
  train(with(call, {"train.steps=" + std::to_string(last + 1)}));
  EXPECT_EQ(newest("run"), last + 1);
}

/// What a process was started with.
std::string variable_of(pid_t process, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(process) + "/environ", std::ios::binary);
  for (std::string entry; std::getline(in, entry, '\0');) {
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  }
  return "";
}

TEST_F(TrainKills, TheLauncherEndsWithTheFirstRankThatEnds) {
  const TrainCall call{.ranks = 2, .set = {"train.steps=100000", "checkpoint.every=2"}};
  StartedProgram launcher(words(call));
  ASSERT_TRUE(comes_true([&] { return newest("run") > 0; })) << launcher.err();
  const std::vector<pid_t> ranks = children_of(launcher.pid());
  ASSERT_EQ(ranks.size(), 2U);
  for (const pid_t rank : ranks) {
    if (variable_of(rank, "RANK") == "1") ::kill(rank, SIGKILL);
  }
  const ProgramResult result = launcher.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_THAT(result.err, HasSubstr("error: rank 1 of 2 ended first, by signal 9 (Killed"));
  for (const pid_t rank : ranks) EXPECT_FALSE(is_running(rank)) << "an orphan";
  expect_whole_checkpoints("run");
  const int64_t last = newest("run");
  train(with(call, {"train.steps=" + std::to_string(last + 1)}));
  EXPECT_EQ(newest("run"), last + 1);
}

}  // namespace
}  // namespace mentor
