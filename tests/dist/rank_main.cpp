// dist_rank SCENARIO [TIMEOUT_MS]: one process of a run, for the tests. It ends as `mentor` does.
// dist_rank launch NAME=VALUE... SCENARIO [TIMEOUT_MS]: starts itself several times, as
// `mentor launch` does.
// dist_rank jobs NPROC DIR NAME:AFTER:SCENARIO...: starts itself as jobs; AFTER is the place of
// another job, or empty.
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/dist/connect.h"
#include "mentor/dist/jobs.h"
#include "mentor/dist/launcher.h"

#include <ATen/ATen.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mentor {
namespace {

using Scenario = std::function<void(Communicator&)>;

void expect_equal(const at::Tensor& got, const at::Tensor& expected, const char* what) {
  TORCH_CHECK(at::equal(got, expected), what, ": got ", got, ", expected ", expected);
}

/// Piece r holds r + 1, so that a piece in a wrong place shows.
at::Tensor numbered_pieces(int64_t world, int64_t size, at::ScalarType dtype) {
  return at::arange(1, world + 1).repeat_interleave(size).to(dtype);
}

void check_values(Communicator& ranks) {
  const int64_t world = ranks.world_size();
  const int64_t rank = ranks.rank();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kDouble, at::kLong}) {
    at::Tensor sum = at::full({5, 3}, rank + 1, dtype);
    ranks.all_reduce_sum(sum).wait();
    expect_equal(sum, at::full({5, 3}, world * (world + 1) / 2, dtype), "all_reduce_sum");

    const at::Tensor pieces = numbered_pieces(world, 4, dtype);
    at::Tensor shard = at::empty({4}, dtype);
    ranks.reduce_scatter_sum(shard, pieces).wait();
    expect_equal(shard, at::full({4}, world * (rank + 1), dtype), "reduce_scatter_sum");

    at::Tensor full = at::empty({world * 4}, dtype);
    ranks.all_gather(full, at::full({4}, rank + 1, dtype)).wait();
    expect_equal(full, pieces, "all_gather");

    at::Tensor told = at::full({7}, rank, dtype);
    ranks.broadcast(told, world - 1);
    expect_equal(told, at::full({7}, world - 1, dtype), "broadcast");
  }
  // Several under way at once, and a leaf that wants a gradient.
  at::Tensor first = at::ones({100'000}).requires_grad_();
  at::Tensor second = at::ones({100'000});
  Communicator::Pending one = ranks.all_reduce_sum(first);
  Communicator::Pending two = ranks.all_reduce_sum(second);
  two.wait();
  one.wait();
  one.wait();
  expect_equal(first.detach(), at::full({100'000}, world), "the first of two at once");
  expect_equal(second, at::full({100'000}, world), "the second of two at once");
  ranks.barrier();
}

/// What makes sharded and plain training the same: one sum, bit for bit.
void check_bits(Communicator& ranks) {
  at::manual_seed(static_cast<uint64_t>(ranks.rank()));
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    at::Tensor whole = at::randn({2 * 65537}, dtype);
    at::Tensor shard = at::empty({65537}, dtype);
    const at::Tensor own = whole.clone();
    at::Tensor other = whole.clone();
    ranks.reduce_scatter_sum(shard, own).wait();
    ranks.all_reduce_sum(whole).wait();
    expect_equal(shard, whole.slice(0, ranks.rank() * 65537, (ranks.rank() + 1) * 65537), "bits");
    at::Tensor all = at::empty({2 * 2 * 65537}, dtype);
    ranks.all_gather(all, other).wait();
    expect_equal(all.slice(0, 0, 2 * 65537) + all.slice(0, 2 * 65537), whole, "a + b");
  }
}

void all_reduce(Communicator& ranks, int64_t size = 1000) {
  at::Tensor x = at::ones({size});
  ranks.all_reduce_sum(x).wait();
}

/// Two collectives together, then rank 1 does something else than the third.
Scenario rank_1_instead(const std::function<void(Communicator&)>& strays) {
  return [strays](Communicator& ranks) {
    announce_failures_of(ranks, [&] {
      all_reduce(ranks);
      ranks.barrier();
      if (ranks.rank() == 1) strays(ranks);
      all_reduce(ranks);
    });
  };
}

void sleep_long(Communicator&) { std::this_thread::sleep_for(std::chrono::minutes(2)); }

const std::map<std::string, Scenario> kScenarios{
    {"values", check_values},
    {"bits", check_bits},
    {"killed", rank_1_instead([](Communicator&) { std::raise(SIGKILL); })},
    {"stopped", rank_1_instead([](Communicator&) { std::raise(SIGSTOP); })},
    {"hangs", rank_1_instead(sleep_long)},
    {"fails", rank_1_instead([](Communicator&) {
       throw DataError("train.jsonl:7: no such picture\nand more");
     })},
    {"other_order", rank_1_instead([](Communicator& ranks) { ranks.barrier(); })},
    {"ends_early",
     [](Communicator& ranks) {
       all_reduce(ranks);
       if (ranks.rank() == 0) all_reduce(ranks);
     }},
    {"unwinds",
     [](Communicator& ranks) {
       all_reduce(ranks);
       if (ranks.rank() == 1) throw DataError("not announced");
       all_reduce(ranks);
     }},
    {"master_killed",
     [](Communicator& ranks) {
       all_reduce(ranks);
       if (ranks.rank() == 0) std::raise(SIGKILL);
       all_reduce(ranks);
     }},
    {"master_stopped",
     [](Communicator& ranks) {
       all_reduce(ranks);
       if (ranks.rank() == 0) std::raise(SIGSTOP);
       all_reduce(ranks);
     }},
    // Rank 1 is killed while rank 0 has no collective to notice it in.
    {"idle",
     [](Communicator& ranks) {
       all_reduce(ranks);
       if (ranks.rank() == 1) std::raise(SIGKILL);
       sleep_long(ranks);
     }},
    // Nothing hangs here, though the whole takes longer than the time-out.
    {"outlives_timeout",
     [](Communicator& ranks) {
       const at::Tensor pieces = numbered_pieces(ranks.world_size(), 4, at::kFloat);
       at::Tensor shard = at::empty({4}), full = at::empty({ranks.world_size() * 4});
       const auto begin = std::chrono::steady_clock::now();
       while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(4)) {
         ranks.reduce_scatter_sum(shard, pieces).wait();
         ranks.all_gather(full, shard).wait();
         std::this_thread::sleep_for(std::chrono::milliseconds(20));
         ranks.barrier();
       }
     }},
    // The last one ends a moment after the others: no failure.
    {"late_end",
     [](Communicator& ranks) {
       all_reduce(ranks);
       if (ranks.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(700));
     }},
};

/// As in training on GPUs, where the two are NCCL and Gloo.
const std::map<std::string, std::function<void(Ranks&)>> kWithHost{
    {"both",
     [](Ranks& ranks) {
       check_values(*ranks.device);
       check_values(*ranks.host);
       Communicator::Pending under_way;
       at::Tensor x = at::ones({1000});
       under_way = ranks.device->all_reduce_sum(x);
       ranks.host->barrier();
       under_way.wait();
       expect_equal(x, at::full({1000}, ranks.host->world_size()), "beside a barrier");
     }},
    {"both_fail",
     [](Ranks& ranks) {
       announce_failures_of(*ranks.device, [&] {
         ranks.host->barrier();
         if (ranks.host->rank() == 1) throw DataError("train.jsonl:7: no such picture");
         ranks.host->barrier();
       });
     }},
};

void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

/// What one rank does without the others, for the launcher.
int run_alone() {
  std::printf("alone %d, threads %s\n", static_cast<int>(read_process_environment().world_size),
              std::getenv("MENTOR_THREADS"));
  return kExitDone;
}

const std::map<std::string, std::function<int()>> kAlone{
    {"show",
     []() -> int {
       const ProcessEnvironment self = read_process_environment();
       std::printf("rank %d/%d local %d/%d threads %d\n", static_cast<int>(self.rank),
                   static_cast<int>(self.world_size), static_cast<int>(self.local_rank),
                   static_cast<int>(self.local_world_size), default_threads());
       std::printf("no line break at the end");
       return kExitDone;
     }},
    {"one_fails",
     []() -> int {
       // Both ranks know the port: rank 1 fails when rank 0 listens to signals.
       const ProcessEnvironment environment = read_process_environment();
       const fs::path ready =
           fs::temp_directory_path() / format("mentor-ready-{}", environment.master_port);
       if (environment.rank == 1) {
         while (!fs::exists(ready)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
         fs::remove(ready);
         say("error: the cause");
         return 7;
       }
       write_text(ready, "");
       // Ends when it is told to, and says something afterwards.
       while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
       say("rank 0 was told to end");
       return interrupt_exit_code();
     }},
    {"one_is_killed",
     []() -> int {
       if (read_process_environment().rank == 1) std::raise(SIGKILL);
       std::this_thread::sleep_for(std::chrono::minutes(1));
       return kExitDone;
     }},
    {"saves",
     []() -> int {
       say(std::string("ready ") + std::to_string(::getpid()));
       while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
       std::this_thread::sleep_for(std::chrono::milliseconds(200));
       say("saved");
       return interrupt_exit_code();
     }},
    {"alone", run_alone},
    {"has_a_cause",
     []() -> int {
       say("error: the cause");
       return 7;
     }},
    {"ignores_the_end",
     []() -> int {
       if (read_process_environment().rank == 1) return 3;
       std::signal(SIGTERM, SIG_IGN);
       std::this_thread::sleep_for(std::chrono::minutes(1));
       return kExitDone;
     }},
};

LaunchOptions launch_options(const std::vector<std::string>& words) {
  LaunchOptions options{.grace = std::chrono::seconds(1)};
  const std::map<std::string, std::function<void(const std::string&)>> setters{
      {"nproc", [&](const std::string& value) { options.num_processes = std::stoi(value); }},
      {"nodes", [&](const std::string& value) { options.num_nodes = std::stoi(value); }},
      {"node_rank", [&](const std::string& value) { options.node_rank = std::stoi(value); }},
      {"master", [&](const std::string& value) { options.master = value; }},
      {"log_dir", [&](const std::string& value) { options.log_dir = value; }},
      {"threads", [&](const std::string& value) { options.threads = std::stoi(value); }},
  };
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == word.npos) {
      options.command.push_back(word);
    } else {
      setters.at(word.substr(0, equals))(word.substr(equals + 1));
    }
  }
  return options;
}

int run_jobs_of(const std::vector<std::string>& words) {
  std::vector<Job> jobs;
  for (size_t i = 2; i < words.size(); ++i) {
    const std::string& word = words[i];
    const size_t first = word.find(':'), second = word.find(':', first + 1);
    Job job{.name = word.substr(0, first), .command = {word.substr(second + 1)}};
    if (second > first + 1) job.after = {std::stoul(word.substr(first + 1))};
    job.log = fs::path(words[1]) / (job.name + ".log");
    jobs.push_back(job);
  }
  return run_jobs(jobs, {.num_processes = std::stoi(words[0])});
}

int run(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "launch") return launch(launch_options({argv + 2, argv + argc}));
  if (name == "jobs") return run_jobs_of({argv + 2, argv + argc});
  if (const auto alone = kAlone.find(name); alone != kAlone.end()) return alone->second();
  const std::chrono::milliseconds timeout(argc > 2 ? std::stoi(argv[2]) : 20'000);
  if (const auto both = kWithHost.find(name); both != kWithHost.end()) {
    Ranks ranks = connect_with_host(read_process_environment(), c10::kCPU, timeout);
    both->second(ranks);
    return kExitDone;
  }
  const auto scenario = kScenarios.find(name);
  if (scenario == kScenarios.end()) throw ConfigError("there is no scenario '" + name + "'");
  const std::unique_ptr<Communicator> ranks =
      connect(read_process_environment(), c10::kCPU, timeout);
  scenario->second(*ranks);
  std::printf("rank %d of %d: %s done\n", static_cast<int>(ranks->rank()),
              static_cast<int>(ranks->world_size()), name.c_str());
  return kExitDone;
}

}  // namespace
}  // namespace mentor

int main(int argc, char** argv) {
  mentor::end_with_launcher();
  mentor::watch_interrupts();
  try {
    return mentor::run(argc, argv);
  } catch (const mentor::Interrupted&) {
    return mentor::interrupt_exit_code();
  } catch (const mentor::UserError& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return mentor::kExitUserError;
  } catch (const c10::Error& e) {
    std::fprintf(stderr, "internal error: %s\n", e.what_without_backtrace());
    return mentor::kExitInternalError;
  }
}
