#include "mentor/dist/process_environment.h"

#include "mentor/core/cpu_features.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "slurm.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace mentor {
namespace {

constexpr const char* kCure =
    "start with mentor launch, torchrun or srun, or unset it for one process";
constexpr int64_t kMostRanks = 1'000'000;

bool is_set(const ReadVariable& read, const char* name) {
  const char* value = read(name);
  return value && *value;
}

std::optional<int64_t> parse(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int64_t read_number(const ReadVariable& read, const char* name, int64_t low, int64_t high) {
  const std::optional<int64_t> value = parse(read(name));
  if (value && *value >= low && *value <= high) return *value;
  throw ConfigError(format("{}: '{}' is not a whole number from {} to {}; {}", name, read(name),
                           low, high, kCure));
}

void require(const ReadVariable& read, const char* name, const char* because) {
  if (is_set(read, name)) return;
  throw ConfigError(format("{}: is not set, but {} is; {}", name, because, kCure));
}

/// What a rank below a world size is, in either naming.
void check_ranks(const ProcessEnvironment& environment, const char* rank, const char* world,
                 const char* local_rank, const char* local_world) {
  const auto below = [](int64_t value, const char* name, int64_t limit, const char* limit_name) {
    if (value < limit) return;
    throw ConfigError(
        format("{}={} must be less than {}={}; {}", name, value, limit_name, limit, kCure));
  };
  below(environment.rank, rank, environment.world_size, world);
  below(environment.local_rank, local_rank, environment.local_world_size, local_world);
  below(environment.local_world_size, local_world, environment.world_size + 1, world);
}

ProcessEnvironment from_torchrun(const ReadVariable& read) {
  const char* present = is_set(read, "RANK") ? "RANK" : "WORLD_SIZE";
  for (const char* name :
       {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    require(read, name, present);
  }
  ProcessEnvironment environment{
      .launched_by = LaunchedBy::kTorchrun,
      .rank = read_number(read, "RANK", 0, kMostRanks),
      .world_size = read_number(read, "WORLD_SIZE", 1, kMostRanks),
      .local_rank = read_number(read, "LOCAL_RANK", 0, kMostRanks),
      .local_world_size = read_number(read, "LOCAL_WORLD_SIZE", 1, kMostRanks),
      .master_address = read("MASTER_ADDR"),
      .master_port = static_cast<uint16_t>(read_number(read, "MASTER_PORT", 1, 65535)),
  };
  check_ranks(environment, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE");
  if (is_set(read, "MENTOR_LISTENING_SOCKET") && environment.rank == 0) {
    environment.listening_socket =
        static_cast<int>(read_number(read, "MENTOR_LISTENING_SOCKET", 0, 1 << 20));
  }
  if (is_set(read, "TORCHELASTIC_USE_AGENT_STORE")) {
    environment.agent_serves_store =
        std::string_view(read("TORCHELASTIC_USE_AGENT_STORE")) == "True";
  }
  if (is_set(read, "TORCHELASTIC_RESTART_COUNT")) {
    environment.store_prefix = format("attempt_{}/", read("TORCHELASTIC_RESTART_COUNT"));
  }
  return environment;
}

/// Tasks on this machine: from the counts per node, else spread evenly over the hosts.
int64_t slurm_local_tasks(const ReadVariable& read, int64_t world_size, size_t num_hosts) {
  for (const char* name : {"SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE"}) {
    if (!is_set(read, name) || !is_set(read, "SLURM_NODEID")) continue;
    const std::vector<int64_t> tasks = slurm_tasks_per_node(read(name), name);
    const int64_t node = read_number(read, "SLURM_NODEID", 0, kMostRanks);
    if (node < static_cast<int64_t>(tasks.size())) return tasks[static_cast<size_t>(node)];
  }
  const auto hosts = static_cast<int64_t>(std::max<size_t>(num_hosts, 1));
  return (world_size + hosts - 1) / hosts;
}

uint16_t slurm_port(const ReadVariable& read) {
  for (const char* name : {"MENTOR_MASTER_PORT", "MASTER_PORT"}) {
    if (is_set(read, name)) return static_cast<uint16_t>(read_number(read, name, 1, 65535));
  }
  if (!is_set(read, "SLURM_JOB_ID")) {
    throw ConfigError(
        "SLURM_JOB_ID: is not set, but SLURM_PROCID is; set MENTOR_MASTER_PORT to a free port");
  }
  // Below the ports that systems hand out by themselves; steps of one job get different ones.
  const int64_t job = read_number(read, "SLURM_JOB_ID", 0, INT64_MAX / 2);
  const int64_t step =
      is_set(read, "SLURM_STEP_ID") ? read_number(read, "SLURM_STEP_ID", 0, UINT32_MAX) : 0;
  return static_cast<uint16_t>(12000 + (job + step) % 20000);
}

ProcessEnvironment from_slurm(const ReadVariable& read, const char* world_name) {
  require(read, "SLURM_LOCALID", "SLURM_PROCID");
  const char* list_name =
      is_set(read, "SLURM_STEP_NODELIST") ? "SLURM_STEP_NODELIST" : "SLURM_JOB_NODELIST";
  std::vector<std::string> hosts;
  if (is_set(read, list_name)) hosts = slurm_hosts(read(list_name), list_name);
  ProcessEnvironment environment{
      .launched_by = LaunchedBy::kSlurm,
      .rank = read_number(read, "SLURM_PROCID", 0, kMostRanks),
      .world_size = read_number(read, world_name, 1, kMostRanks),
      .local_rank = read_number(read, "SLURM_LOCALID", 0, kMostRanks),
  };
  environment.local_world_size = slurm_local_tasks(read, environment.world_size, hosts.size());
  check_ranks(environment, "SLURM_PROCID", world_name, "SLURM_LOCALID", "tasks on this node");
  if (environment.world_size == 1) return environment;
  if (is_set(read, "MASTER_ADDR")) {
    environment.master_address = read("MASTER_ADDR");
  } else if (!hosts.empty()) {
    environment.master_address = hosts.front();
  } else {
    throw ConfigError(
        "SLURM_STEP_NODELIST: is not set, but SLURM_PROCID is; set MASTER_ADDR to the host of "
        "rank 0");
  }
  environment.master_port = slurm_port(read);
  return environment;
}

bool is_slurm_batch_script(const ReadVariable& read) {
  // It has SLURM_PROCID=0 and the SLURM_NTASKS of the job, without being a task of srun.
  return is_set(read, "ENVIRONMENT") && std::string_view(read("ENVIRONMENT")) == "BATCH";
}

}  // namespace

std::string ProcessEnvironment::master() const {
  const bool is_ipv6 = master_address.find(':') != master_address.npos;
  return format(is_ipv6 ? "[{}]:{}" : "{}:{}", master_address, master_port);
}

ProcessEnvironment read_process_environment() {
  return read_process_environment([](const char* name) { return std::getenv(name); });
}

ProcessEnvironment read_process_environment(const ReadVariable& read) {
  // torchrun and mentor launch may themselves run as a task of Slurm, so they come first.
  if (is_set(read, "RANK") || is_set(read, "WORLD_SIZE")) return from_torchrun(read);
  if (!is_set(read, "SLURM_PROCID")) return {};
  if (is_set(read, "SLURM_STEP_NUM_TASKS")) return from_slurm(read, "SLURM_STEP_NUM_TASKS");
  if (is_set(read, "SLURM_NTASKS") && !is_slurm_batch_script(read)) {
    return from_slurm(read, "SLURM_NTASKS");
  }
  return {};
}

int default_threads() {
  return default_threads([](const char* name) { return std::getenv(name); }, physical_cores());
}

int default_threads(const ReadVariable& read, int cores) {
  if (is_set(read, "MENTOR_THREADS")) {
    return static_cast<int>(read_number(read, "MENTOR_THREADS", 1, 4096));
  }
  // Broken variables are for read_process_environment() to report, where ranks matter.
  const auto number = [&read](const char* name, int64_t otherwise) {
    const std::optional<int64_t> value = is_set(read, name) ? parse(read(name)) : std::nullopt;
    return static_cast<int>(std::clamp<int64_t>(value.value_or(otherwise), 1, 4096));
  };
  if (is_set(read, "RANK")) return std::max(1, cores / number("LOCAL_WORLD_SIZE", 1));
  if (is_set(read, "SLURM_PROCID")) return std::min(cores, number("SLURM_CPUS_PER_TASK", cores));
  return cores;
}

}  // namespace mentor
