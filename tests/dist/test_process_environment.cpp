#include "mentor/core/error.h"
#include "mentor/dist/process_environment.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

namespace mentor {
namespace {

using Variables = std::map<std::string, std::string>;
using testing::HasSubstr;

ReadVariable reader(const Variables& variables) {
  return [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

ProcessEnvironment read(const Variables& variables) {
  return read_process_environment(reader(variables));
}

const Variables kTorchrun{{"RANK", "5"},
                          {"WORLD_SIZE", "8"},
                          {"LOCAL_RANK", "1"},
                          {"LOCAL_WORLD_SIZE", "4"},
                          {"MASTER_ADDR", "gpu-1"},
                          {"MASTER_PORT", "29500"}};

const Variables kSlurm{{"SLURM_PROCID", "5"},
                       {"SLURM_NTASKS", "7"},
                       {"SLURM_LOCALID", "1"},
                       {"SLURM_NODEID", "2"},
                       {"SLURM_STEP_NUM_TASKS", "7"},
                       {"SLURM_STEP_TASKS_PER_NODE", "2(x3),1"},
                       {"SLURM_STEP_NODELIST", "gpu[07-09,12]"},
                       {"SLURM_JOB_ID", "40123"},
                       {"SLURM_STEP_ID", "0"}};

Variables with(Variables variables, const Variables& changes) {
  for (const auto& [name, value] : changes) variables[name] = value;
  return variables;
}

Variables without(Variables variables, const std::string& name) {
  variables.erase(name);
  return variables;
}

TEST(ProcessEnvironment, OneProcessAlone) {
  // MASTER_ADDR by itself is often exported, and a login shell of Slurm has no rank.
  for (const Variables& variables :
       {Variables{}, Variables{{"MASTER_ADDR", "gpu-1"}, {"MASTER_PORT", "1"}},
        Variables{{"SLURM_JOB_ID", "1"}, {"SLURM_NTASKS", "8"}}, Variables{{"RANK", ""}}}) {
    const ProcessEnvironment alone = read(variables);
    EXPECT_EQ(alone.launched_by, LaunchedBy::kNobody);
    EXPECT_EQ(alone.world_size, 1);
    EXPECT_EQ(alone.rank, 0);
  }
}

TEST(ProcessEnvironment, TorchrunsVariables) {
  const ProcessEnvironment rank = read(kTorchrun);
  EXPECT_EQ(rank.launched_by, LaunchedBy::kTorchrun);
  EXPECT_EQ(rank.rank, 5);
  EXPECT_EQ(rank.world_size, 8);
  EXPECT_EQ(rank.local_rank, 1);
  EXPECT_EQ(rank.local_world_size, 4);
  EXPECT_EQ(rank.master(), "gpu-1:29500");
  EXPECT_FALSE(rank.agent_serves_store);
}

TEST(ProcessEnvironment, TorchrunsAgentMayServeTheStore) {
  const ProcessEnvironment rank = read(with(
      kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RESTART_COUNT", "2"}}));
  EXPECT_TRUE(rank.agent_serves_store);
  EXPECT_EQ(rank.store_prefix, "attempt_2/");
}

TEST(ProcessEnvironment, TorchrunInsideSlurm) {
  EXPECT_EQ(read(with(kSlurm, kTorchrun)).launched_by, LaunchedBy::kTorchrun);
}

TEST(ProcessEnvironment, SlurmsVariables) {
  const ProcessEnvironment rank = read(kSlurm);
  EXPECT_EQ(rank.launched_by, LaunchedBy::kSlurm);
  EXPECT_EQ(rank.rank, 5);
  EXPECT_EQ(rank.world_size, 7);
  EXPECT_EQ(rank.local_rank, 1);
  EXPECT_EQ(rank.local_world_size, 2);
  EXPECT_EQ(rank.master(), "gpu07:12123");
}

TEST(ProcessEnvironment, SlurmsAddressCanBeOverridden) {
  EXPECT_EQ(read(with(kSlurm, {{"MENTOR_MASTER_PORT", "31000"}})).master_port, 31000);
  EXPECT_EQ(read(with(kSlurm, {{"MASTER_ADDR", "fd00::1"}, {"MASTER_PORT", "99"}})).master(),
            "[fd00::1]:99");
  // Steps of one job that run at the same time must not meet.
  EXPECT_NE(read(with(kSlurm, {{"SLURM_STEP_ID", "1"}})).master_port, read(kSlurm).master_port);
}

TEST(ProcessEnvironment, SlurmsBatchScriptIsNoRank) {
  const Variables batch{{"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"},
                        {"SLURM_NTASKS", "8"}, {"SLURM_JOB_NODELIST", "a,b"},
                        {"SLURM_JOB_ID", "1"}, {"ENVIRONMENT", "BATCH"}};
  EXPECT_EQ(read(batch).world_size, 1);
  EXPECT_EQ(read(batch).launched_by, LaunchedBy::kNobody);
  // srun hands ENVIRONMENT on, and adds the variables of its step.
  EXPECT_EQ(read(with(batch, {{"SLURM_STEP_NUM_TASKS", "8"}})).world_size, 8);
}

struct NodeList {
  const char* list;
  const char* first;
  int64_t local_tasks;  // of 8 tasks: shows the number of hosts
};

class NodeListTest : public testing::TestWithParam<NodeList> {};

TEST_P(NodeListTest, GivesTheFirstHostAndTheirNumber) {
  Variables variables = without(kSlurm, "SLURM_STEP_TASKS_PER_NODE");
  variables = with(variables, {{"SLURM_STEP_NODELIST", GetParam().list},
                               {"SLURM_STEP_NUM_TASKS", "8"},
                               {"SLURM_LOCALID", "0"}});
  const ProcessEnvironment rank = read(variables);
  EXPECT_EQ(rank.master_address, GetParam().first);
  EXPECT_EQ(rank.local_world_size, GetParam().local_tasks);
}

INSTANTIATE_TEST_SUITE_P(
    All, NodeListTest,
    testing::Values(NodeList{"localhost", "localhost", 8}, NodeList{"a,b", "a", 4},
                    NodeList{"node[03-05,7]", "node03", 2}, NodeList{"node[9-10]", "node9", 4},
                    NodeList{"node[098-101]", "node098", 2},
                    NodeList{"login,gpu-[1-3]", "login", 2},
                    NodeList{"r[1-2]n[1-2]-ib", "r1n1-ib", 2}, NodeList{"gpu[4]", "gpu4", 8},
                    NodeList{"a.b.example.com", "a.b.example.com", 8}));

struct Broken {
  Variables variables;
  const char* message;
};

class BrokenEnvironmentTest : public testing::TestWithParam<Broken> {};

TEST_P(BrokenEnvironmentTest, NamesTheVariable) {
  try {
    const ProcessEnvironment rank = read(GetParam().variables);
    FAIL() << "taken as rank " << rank.rank << " of " << rank.world_size;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenEnvironmentTest,
    testing::Values(
        Broken{{{"WORLD_SIZE", "4"}},
               "RANK: is not set, but WORLD_SIZE is; start with mentor launch, torchrun or srun, "
               "or unset it for one process"},
        Broken{without(kTorchrun, "WORLD_SIZE"), "WORLD_SIZE: is not set, but RANK is"},
        Broken{without(kTorchrun, "LOCAL_RANK"), "LOCAL_RANK: is not set"},
        Broken{without(kTorchrun, "MASTER_PORT"), "MASTER_PORT: is not set"},
        Broken{with(kTorchrun, {{"MASTER_ADDR", ""}}), "MASTER_ADDR: is not set"},
        Broken{with(kTorchrun, {{"RANK", "five"}}), "RANK: 'five' is not a whole number"},
        Broken{with(kTorchrun, {{"RANK", "-1"}}), "RANK: '-1' is not a whole number from 0"},
        Broken{with(kTorchrun, {{"RANK", "8"}}), "RANK=8 must be less than WORLD_SIZE=8"},
        Broken{with(kTorchrun, {{"LOCAL_RANK", "4"}}),
               "LOCAL_RANK=4 must be less than LOCAL_WORLD_SIZE=4"},
        Broken{with(kTorchrun, {{"LOCAL_WORLD_SIZE", "16"}}),
               "LOCAL_WORLD_SIZE=16 must be less than WORLD_SIZE=9"},
        Broken{with(kTorchrun, {{"MASTER_PORT", "70000"}}), "MASTER_PORT: '70000' is not"},
        Broken{without(kSlurm, "SLURM_LOCALID"), "SLURM_LOCALID: is not set, but SLURM_PROCID is"},
        Broken{without(kSlurm, "SLURM_STEP_NODELIST"), "SLURM_STEP_NODELIST: is not set"},
        Broken{without(kSlurm, "SLURM_JOB_ID"), "SLURM_JOB_ID: is not set"},
        Broken{with(kSlurm, {{"SLURM_PROCID", "7"}}), "SLURM_PROCID=7 must be less than"},
        Broken{with(kSlurm, {{"SLURM_STEP_NODELIST", "gpu[1-"}}),
               "SLURM_STEP_NODELIST: 'gpu[1-' is not a list of hosts as in gpu[03-05,7]; set "
               "MASTER_ADDR to the host of rank 0"},
        Broken{with(kSlurm, {{"SLURM_STEP_NODELIST", "gpu[5-3]"}}), "SLURM_STEP_NODELIST: "},
        Broken{with(kSlurm, {{"SLURM_STEP_NODELIST", "a,,b"}}), "SLURM_STEP_NODELIST: "},
        Broken{with(kSlurm, {{"SLURM_STEP_NODELIST", "gpu[1-99999999999]"}}),
               "SLURM_STEP_NODELIST: "},
        Broken{with(kSlurm, {{"SLURM_STEP_TASKS_PER_NODE", "2(x"}}),
               "SLURM_STEP_TASKS_PER_NODE: '2(x' is not a list of counts"}));

TEST(DefaultThreads, AreShared) {
  const auto threads = [](const Variables& variables) {
    return default_threads(reader(variables), /*cores=*/12);
  };
  EXPECT_EQ(threads({}), 12);
  EXPECT_EQ(threads({{"MENTOR_THREADS", "5"}}), 5);
  EXPECT_EQ(threads(kTorchrun), 3);
  EXPECT_EQ(threads(with(kTorchrun, {{"MENTOR_THREADS", "5"}})), 5);
  EXPECT_EQ(threads(with(kTorchrun, {{"LOCAL_WORLD_SIZE", "64"}})), 1);
  EXPECT_EQ(threads(kSlurm), 12);
  EXPECT_EQ(threads(with(kSlurm, {{"SLURM_CPUS_PER_TASK", "4"}})), 4);
  EXPECT_EQ(threads(with(kSlurm, {{"SLURM_CPUS_PER_TASK", "40"}})), 12);
  EXPECT_THROW(threads({{"MENTOR_THREADS", "all"}}), ConfigError);
}

}  // namespace
}  // namespace mentor
