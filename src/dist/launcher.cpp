#include "mentor/dist/launcher.h"

#include "mentor/core/cpu_features.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/dist/process_environment.h"
#include "process_group.h"
#include "sockets.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <unistd.h>

namespace mentor {
namespace {

struct Master {
  std::string host;
  uint16_t port = 0;  // 0: a free one
};

Master parse_master(const std::string& text) {
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  const std::string port = colon == text.npos ? "" : text.substr(colon + 1);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  int number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool good_port = error == std::errc() && end == port.data() + port.size() && number > 0 &&
                         number < 65536 && (brackets || host.find(':') == host.npos);
  if (host.empty() || !good_port) {
    throw ConfigError(
        format("--master: '{}' is not HOST:PORT; give the machine of node rank 0 "
               "and a free port, as in --master gpu-1:29500",
               text));
  }
  return {.host = host, .port = static_cast<uint16_t>(number)};
}

void validate(const LaunchOptions& options) {
  const auto fail = [](const std::string& message) { throw ConfigError(message); };
  if (options.command.empty()) {
    fail("there is no command: put it after --, as in mentor launch --nproc 2 -- train CONFIG");
  }
  if (options.num_processes < 1 || options.num_processes > 4096) {
    fail(format("--nproc: {} is not from 1 to 4096", options.num_processes));
  }
  if (options.num_nodes < 1) fail(format("--nodes: {} is not at least 1", options.num_nodes));
  if (options.node_rank < 0 || options.node_rank >= options.num_nodes) {
    fail(format("--node-rank: {} is not from 0 to {}, for --nodes {}", options.node_rank,
                options.num_nodes - 1, options.num_nodes));
  }
  if (options.num_nodes > 1 && options.master.empty()) {
    fail("--master: several nodes need it: HOST:PORT with the machine of node rank 0");
  }
  if (options.threads < 0) fail(format("--threads: {} is not at least 0", options.threads));
}

std::string threads_of_each(const LaunchOptions& options) {
  if (options.threads > 0) return format("{}", options.threads);
  for (const char* name : {"MENTOR_THREADS", "OMP_NUM_THREADS"}) {
    const char* wish = std::getenv(name);
    if (wish && *wish) return wish;
  }
  return format("{}", std::max<int64_t>(1, physical_cores() / options.num_processes));
}

void start_rank_of(ProcessGroup& group, const LaunchOptions& options, int64_t local,
                   const Master& master, int socket) {
  const int64_t number = options.node_rank * options.num_processes + local;
  const int64_t world_size = options.num_nodes * options.num_processes;
  RankOutputOptions output{
      .rank = number, .shown = number == 0 || !options.log_dir, .raw = number == 0};
  if (options.log_dir) output.log_file = *options.log_dir / format("rank_{:03}.log", number);
  const std::string threads = threads_of_each(options);
  const char* omp = std::getenv("OMP_NUM_THREADS");
  const bool terminal = number == 0 && ::isatty(STDERR_FILENO) == 1;
  group.start(
      format("rank {} of {}", number, world_size),
      {.command = options.command,
       .variables = {{"RANK", format("{}", number)},
                     {"WORLD_SIZE", format("{}", world_size)},
                     {"LOCAL_RANK", format("{}", local)},
                     {"LOCAL_WORLD_SIZE", format("{}", options.num_processes)},
                     {"MASTER_ADDR", master.host},
                     {"MASTER_PORT", format("{}", master.port)},
                     {"MENTOR_THREADS", threads},
                     {"OMP_NUM_THREADS", omp && *omp ? omp : threads},
                     {"MENTOR_TERMINAL", terminal ? "1" : ""},
                     {"MENTOR_LISTENING_SOCKET", socket >= 0 ? format("{}", kInheritedSocket) : ""},
                     {"TORCHELASTIC_USE_AGENT_STORE", ""},
                     {"TORCHELASTIC_RESTART_COUNT", ""}},
       .listening_socket = socket},
      output);
}

void start_all(ProcessGroup& group, const LaunchOptions& options) {
  Master master{.host = "127.0.0.1"};
  if (!options.master.empty()) master = parse_master(options.master);
  // Here, so that a port in use is one message before anything is started.
  ListeningSocket socket;
  if (options.node_rank == 0) {
    socket = listen_on(master.port);
    master.port = socket.port;
  }
  if (options.log_dir) require_writable_directory(*options.log_dir);
  for (int64_t local = 0; local < options.num_processes; ++local) {
    start_rank_of(group, options, local, master, local == 0 ? socket.fd : -1);
  }
  if (socket.fd >= 0) ::close(socket.fd);  // now it is rank 0's alone
}

}  // namespace

int launch(const LaunchOptions& options) {
  validate(options);
  ProcessGroup group(options.grace);
  start_all(group, options);
  while (group.is_running()) group.wait();
  return group.finish();
}

}  // namespace mentor
