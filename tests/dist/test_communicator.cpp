#include "dist/several_ranks.h"
#include "mentor/core/error.h"

#include <gmock/gmock.h>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kShort = "2000";  // ms, where a time-out is what the test is about

TEST(Communicator, ComputesWithThreeProcesses) {
  SeveralRanks ranks(3, "values");
  for (const int rank : {0, 1, 2}) {
    const ProgramResult result = ranks.wait(rank);
    EXPECT_EQ(result.exit_code, kExitDone) << result.err;
    EXPECT_EQ(result.err, "");
  }
}

TEST(Communicator, ScattersTheBitsOfAllReduce) {
  SeveralRanks ranks(2, "bits");
  for (const int rank : {0, 1}) {
    const ProgramResult result = ranks.wait(rank);
    EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  }
}

TEST(Communicator, OneProcessAloneNeedsNoLauncher) {
  for (const char* scenario : {"values", "both"}) {
    const ProgramResult result = run_program({DIST_RANK, scenario});
    EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  }
}

TEST(Communicator, TwoOfARunMeetOnce) {
  SeveralRanks ranks(3, "both");
  for (const int rank : {0, 1, 2}) {
    const ProgramResult result = ranks.wait(rank);
    EXPECT_EQ(result.exit_code, kExitDone) << result.err;
    EXPECT_EQ(result.err, "");
  }
}

TEST(Communicator, WaitsForARankThatEndsLater) {
  SeveralRanks ranks(2, "late_end");
  for (const int rank : {0, 1}) {
    const ProgramResult result = ranks.wait(rank);
    EXPECT_EQ(result.exit_code, kExitDone);
    EXPECT_EQ(result.err, "");
  }
}

TEST(Communicator, MayWorkForLongerThanTheTimeout) {
  SeveralRanks ranks(2, "outlives_timeout", "1000");
  for (const int rank : {0, 1}) {
    const ProgramResult result = ranks.wait(rank);
    EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  }
}

TEST(RankFailure, AKilledRankIsNamed) {
  SeveralRanks ranks(3, "killed", "4000");
  for (const int rank : {0, 2}) {
    const ProgramResult result = ranks.wait(rank);
    EXPECT_EQ(result.exit_code, kExitUserError);
    EXPECT_THAT(result.err, HasSubstr("rank 1 (host "));
    EXPECT_THAT(result.err,
                HasSubstr(", pid " + std::to_string(ranks.pid(1)) + ") ended without a message"));
  }
  EXPECT_LT(ranks.seconds(), 15);
}

TEST(RankFailure, AHangingRankIsNamedWithinTheTimeout) {
  SeveralRanks ranks(2, "hangs", kShort);
  const ProgramResult result = ranks.wait(0);
  EXPECT_LT(ranks.seconds(), 10);
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_THAT(result.err,
              AllOf(StartsWith("error: rank 1 (host "),
                    HasSubstr("does not come: it has entered 2 collectives, this rank 3 "
                              "(all_reduce_sum of 1000 Float) and waits for 2.0 s")));
}

TEST(RankFailure, TheMessageOfAFailedRankIsShownByTheOthers) {
  SeveralRanks ranks(2, "fails");
  const ProgramResult other = ranks.wait(0);
  EXPECT_EQ(other.exit_code, kExitUserError);
  EXPECT_THAT(other.err, HasSubstr(") failed: train.jsonl:7: no such picture\n"));
  EXPECT_EQ(ranks.wait(1).err, "error: train.jsonl:7: no such picture\nand more\n");
}

TEST(RankFailure, IsToldOnBothCommunicators) {
  SeveralRanks ranks(2, "both_fail", "5000");
  EXPECT_THAT(ranks.wait(0).err, HasSubstr("train.jsonl:7: no such picture"));
  EXPECT_LT(ranks.seconds(), 4);
}

TEST(RankFailure, UnannouncedErrorsAreNoNormalEnd) {
  SeveralRanks ranks(2, "unwinds");
  EXPECT_THAT(ranks.wait(0).err, HasSubstr(") failed: it ended with an error"));
  EXPECT_EQ(ranks.wait(1).err, "error: not announced\n");
}

TEST(RankFailure, ARankThatEndsTooEarlyIsNamed) {
  SeveralRanks ranks(2, "ends_early");
  EXPECT_EQ(ranks.wait(1).exit_code, kExitDone);
  const ProgramResult result = ranks.wait(0);
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_THAT(result.err, HasSubstr("has ended normally after 1 collectives, this rank waits in "
                                    "number 2 (all_reduce_sum of 1000 Float)"));
}

TEST(RankFailure, DifferentCollectivesAreNamed) {
  SeveralRanks ranks(2, "other_order", kShort);
  EXPECT_THAT(ranks.wait(0).err + ranks.wait(1).err,
              HasSubstr("the ranks disagree about collective 3: this rank "));
}

TEST(RankFailure, RankZeroEndsOrStops) {
  SeveralRanks killed(2, "master_killed");
  SeveralRanks stopped(2, "master_stopped", kShort);
  const ProgramResult ended = killed.wait(1);
  EXPECT_EQ(ended.exit_code, kExitUserError);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("rank 0 (host "), HasSubstr(") ended, where the ranks")));
  const ProgramResult waited = stopped.wait(1);
  EXPECT_EQ(waited.exit_code, kExitUserError);
  EXPECT_THAT(waited.err, AllOf(HasSubstr("rank 0 (host "), HasSubstr("does not answer for")));
}

TEST(RankFailure, IsNoticedWithoutACollective) {
  SeveralRanks ranks(2, "idle", "1000");
  const ProgramResult result = ranks.wait(0);
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_THAT(result.err, HasSubstr("error: rank 1 (host "));
}

TEST(Connect, PortInUse) {
  const FreePort port;
  port.listen();
  StartedProgram rank({DIST_RANK, "values"}, {.environment = rank_variables(0, 2, port.number())});
  const ProgramResult result = rank.wait();
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_THAT(result.err, AllOf(StartsWith("error: port in use: "),
                                HasSubstr(":" + std::to_string(port.number()) +
                                          "; choose another port with "
                                          "--master HOST:PORT or MASTER_PORT\n")));
}

TEST(Connect, MasterUnreachable) {
  const FreePort port;
  StartedProgram rank({DIST_RANK, "values", "300"},
                      {.environment = rank_variables(1, 2, port.number())});
  const ProgramResult result = rank.wait();
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_EQ(result.err, "error: 127.0.0.1:" + std::to_string(port.number()) +
                            ": the master cannot be reached for 0.3 s (Connection refused); is "
                            "rank 0 running, and is this the address of its machine?\n");
}

TEST(Connect, NamesTheRanksThatDidNotCome) {
  const FreePort port;
  StartedProgram zero({DIST_RANK, "values", "1000"},
                      {.environment = rank_variables(0, 5, port.number())});
  StartedProgram three({DIST_RANK, "values", "5000"},
                       {.environment = rank_variables(3, 5, port.number())});
  const ProgramResult first = zero.wait();
  EXPECT_EQ(first.exit_code, kExitUserError);
  EXPECT_THAT(first.err, HasSubstr("3 of 5 ranks did not come to 127.0.0.1:" +
                                   std::to_string(port.number()) + " within 1 s: ranks 1, 2, 4;"));
  const ProgramResult last = three.wait();
  EXPECT_EQ(last.exit_code, kExitUserError);
  EXPECT_THAT(last.err, HasSubstr("rank 0 ended while this rank waited for the others"));
}

TEST(Connect, RefusesARankThatCameTwiceAndAnotherWorldSize) {
  const FreePort port;
  StartedProgram zero({DIST_RANK, "values"}, {.environment = rank_variables(0, 3, port.number())});
  StartedProgram one({DIST_RANK, "values"}, {.environment = rank_variables(1, 3, port.number())});
  StartedProgram again({DIST_RANK, "values"}, {.environment = rank_variables(1, 3, port.number())});
  // Which of the two is the second one depends on the scheduler; the other one waits.
  EXPECT_TRUE(comes_true([&] { return !(one.err() + again.err()).empty(); }));
  EXPECT_THAT(one.err() + again.err(), HasSubstr("rank 1 is there already"));
  StartedProgram two({DIST_RANK, "values"}, {.environment = rank_variables(2, 4, port.number())});
  const ProgramResult result = zero.wait();
  EXPECT_EQ(result.exit_code, kExitUserError);
  EXPECT_THAT(result.err, HasSubstr("was started as one of 4 ranks, rank 0 as one of 3"));
}

}  // namespace
}  // namespace mentor
