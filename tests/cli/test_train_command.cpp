#include "support/train_program.h"

#include <csignal>
#include <sstream>

// mentor train as a user runs it: what resuming, ranks, threads, signals and a full disk change.

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Without dropout the ranks' shares of a batch add up to what one rank computes. Where a gradient
/// is nothing but rounding, AdamW makes a whole step of its sign: eps is larger than that.
TrainCall comparable(const TrainCall& call) {
  return with(with(call, kNoDropout), {"optimizer.lr=5e-4", "optimizer.eps=1e-6"});
}

class TrainCommand : public TrainProgram {
 protected:
  /// Runs with each of these ranks, as the program does with none and under the launcher.
  static constexpr int kAlone = 0;
  static constexpr int kTwo = 2;
};

TEST_F(TrainCommand, ResumedEqualsUninterruptedBitForBit) {
  for (const int ranks : {kAlone, kTwo}) {
    SCOPED_TRACE(ranks);
    const auto call = [&](const std::string& name) {
      return TrainCall{.out = name + std::to_string(ranks),
                       .ranks = ranks,
                       .set = {"train.steps=6", "checkpoint.every=3", "train.log_every=2"}};
    };
    const TrainCall whole = call("whole"), cut = call("cut");
    train(whole);
    kill_after(cut, 3);  // inside an interval: its sums are part of the state
    train(cut);
    expect_same_state(checkpoint(whole.out, 6), checkpoint(cut.out, 6));
    EXPECT_EQ(repeatable(whole.out), repeatable(cut.out));
    EXPECT_EQ(metrics(cut.out, "event").at(1).at("event"), "resumed");
  }
}

TEST_F(TrainCommand, GoesOnWithAnotherNumberOfRanks) {
  const TrainCall call =
      comparable({.out = "two", .ranks = kTwo, .set = {"train.steps=6", "checkpoint.every=3"}});
  train(call);
  for (const int ranks : {kAlone, 4}) {
    SCOPED_TRACE(ranks);
    TrainCall other = call;
    other.out = "other" + std::to_string(ranks);
    other.ranks = ranks;
    other.more = {"--resume", checkpoint("two", 3).string()};
    train(other);
    EXPECT_EQ(metrics(other.out).front().at("step"), 4);
    expect_close(checkpoint("two", 6) / "model.safetensors",
                 checkpoint(other.out, 6) / "model.safetensors", "1e-6");
    const auto expected = values("two", "loss"), found = values(other.out, "loss");
    ASSERT_EQ(found.size(), 3U);
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(found[i], expected[i + 3], 1e-5);
    auto tokens = values("two", "tokens");
    tokens.erase(tokens.begin(), tokens.begin() + 3);
    EXPECT_EQ(values(other.out, "tokens"), tokens) << "the order of the samples";
  }
}

TEST_F(TrainCommand, RanksShardsAndThreadsChangeNothing) {
  train({.out = "begun", .set = {"train.steps=5"}});  // no longer an output layer of zeros
  const TrainCall call = comparable({.set = {"train.steps=5", "train.init_from=" + path("begun")}});
  const auto variant = [&](const std::string& out, int ranks, const std::string& set) {
    TrainCall other = with(call, {set});
    other.out = out;
    other.ranks = ranks;
    train(other);
    return checkpoint(out, 5);
  };
  const fs::path alone = variant("alone", kAlone, "train.loader_threads=1");
  expect_same_state(alone, variant("threads", kAlone, "train.loader_threads=6"));
  EXPECT_EQ(repeatable("alone"), repeatable("threads"));

  const fs::path sharded = variant("sharded", kTwo, "optimizer.sharding=zero1");
  const fs::path plain = variant("plain", kTwo, "optimizer.sharding=none");
  const auto model = [](const fs::path& folder) { return folder / "model.safetensors"; };
  expect_close(model(alone), model(sharded), "1e-6");
  expect_close(model(sharded), model(plain), "0");
  EXPECT_EQ(repeatable("sharded"), repeatable("plain"));
}

TEST_F(TrainCommand, ASignalEndsTheStepAndSaves) {
  const std::tuple<int, int, int> cases[] = {
      {SIGTERM, 143, kAlone}, {SIGINT, 130, kAlone}, {SIGTERM, 143, kTwo}, {SIGINT, 130, kTwo}};
  for (const auto& [signal, code, ranks] : cases) {
    SCOPED_TRACE(testing::Message() << "signal " << signal << ", ranks " << ranks);
    TrainCall call{.out = "run" + std::to_string(code) + std::to_string(ranks),
                   .ranks = ranks,
                   .set = {"train.steps=10000"}};
    {
      StartedProgram program(words(call));
      ASSERT_TRUE(comes_true([&] { return !metrics(call.out).empty(); }));
      ::kill(program.pid(), signal);
      const ProgramResult result = program.wait();
      EXPECT_EQ(result.exit_code, code) << result.err;
      EXPECT_THAT(result.err, HasSubstr("interrupted, saved at step"));
    }
    const int64_t last = metrics(call.out).back().at("step");
    EXPECT_THAT(steps(call.out), ElementsAre(last)) << "the step that was under way is done";
    EXPECT_THAT(read_text(path(call.out + "/report.html")), HasSubstr("interrupted"));
    train(with(call, {"train.steps=" + std::to_string(last + 2)}));
    EXPECT_THAT(steps(call.out), ElementsAre(last, last + 2));
    std::vector<double> numbers = values(call.out, "step");
    ASSERT_EQ(numbers.size(), last + 2);
    EXPECT_EQ(numbers.back(), last + 2);
  }
}

TEST_F(TrainCommand, ASignalWhileSamplesAreDrawnSavesToo) {
  const TrainCall call{
      .set = {"train.steps=10000", "train.sample_every=1", "train.sample_count=64"}};
  StartedProgram program(words(call));
  ASSERT_TRUE(comes_true([&] { return fs::exists(path("run/samples/.step_00000002_0.png")); }));
  ::kill(program.pid(), SIGTERM);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 143) << result.err;
  EXPECT_THAT(steps("run"), ElementsAre(3)) << "after the step that follows";
}

/// The bytes of every file of a checkpoint.
std::map<std::string, std::string> contents(const fs::path& checkpoint) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(checkpoint)) {
    files[entry.path().filename()] = read_text(entry.path());
  }
  return files;
}

TEST_F(TrainCommand, ADiskThatCannotBeWrittenCostsOnlyTheCheckpoint) {
  for (const int ranks : {kAlone, kTwo}) {
    SCOPED_TRACE(ranks);
    TrainCall call{.out = "run" + std::to_string(ranks),
                   .ranks = ranks,
                   .set = {"train.steps=2", "checkpoint.every=2"}};
    train(call);
    const auto before = contents(checkpoint(call.out, 2));
    call = with(call, {"train.steps=7"});
    call.limits = "trap '' XFSZ; ulimit -f 2048";  // files of more than a MB
    const ProgramResult result = run(call);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    for (const char* step : {"4", "6", "7"}) {
      EXPECT_THAT(result.err, HasSubstr(std::string("CHECKPOINT NOT SAVED at step ") + step));
    }
    const std::string end = "error: the last checkpoint could not be saved (see above)";
    const size_t last = result.err.rfind(end);
    ASSERT_NE(last, std::string::npos);
    EXPECT_EQ(result.err.find("\n", last), result.err.size() - 1) << "the last line";
    EXPECT_EQ(metrics(call.out).back().at("step"), 7) << "training went on";
    EXPECT_EQ(contents(checkpoint(call.out, 2)), before);
    EXPECT_THAT(steps(call.out), ElementsAre(2));
    for (const auto& entry : fs::directory_iterator(path(call.out + "/checkpoints"))) {
      EXPECT_EQ(entry.path().filename(), "step_00000002") << "nothing half-written stays";
    }
  }
}

TEST_F(TrainCommand, WarnsOfAnotherCodec) {
  const TrainCall call{.set = {"train.steps=1"}};
  train(call);
  const std::string codec = path("weights/codec.safetensors");
  const std::string other = path("other/codec.safetensors");
  ASSERT_EQ(run_program({MENTOR_BINARY, "weights", "init", "--seed", "2", "--out", path("other")})
                .exit_code,
            0);
  const auto says = [&](const std::string& file) {
    const ProgramResult result = run({.out = "next",
                                      .set = {"train.steps=1", "weights.codec=" + file},
                                      .more = {"--init-from", path("run"), "--resume", "none"}});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.err;
  };
  constexpr const char* kWarning = "was trained on the codes of another codec";
  EXPECT_THAT(says(codec), Not(HasSubstr(kWarning)));
  EXPECT_THAT(says(other), HasSubstr(kWarning));
}

TEST_F(TrainCommand, ARunBegunAnewPutsTheOldCheckpointsAside) {
  const TrainCall call{.set = {"train.steps=2"}};
  train(call);
  TrainCall anew = call;
  anew.more = {"--resume", "none", "--steps", "1"};
  train(anew);
  EXPECT_THAT(steps("run"), ElementsAre(1));
  EXPECT_TRUE(fs::exists(path("run/checkpoints/superseded_step_00000002")));
  EXPECT_EQ(metrics("run").size(), 1U);
}

}  // namespace
}  // namespace mentor
