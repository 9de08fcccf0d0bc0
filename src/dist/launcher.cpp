#include "mentor/dist/launcher.h"

#include "mentor/core/cpu_features.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/dist/process_environment.h"
#include "rank_output.h"
#include "rank_process.h"
#include "sockets.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace mentor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kLauncherVariable = "MENTOR_LAUNCHER_PID";

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

/// The signals that the launcher reads instead of being interrupted by.
class SignalQueue {
 public:
  SignalQueue() {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&signals_, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    fd_ = ::signalfd(-1, &signals_, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd_ < 0) throw UserError("too many open files: start fewer processes");
  }
  ~SignalQueue() {
    ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// 0 when none has come.
  [[nodiscard]] int next() const {
    signalfd_siginfo info{};
    return ::read(fd_, &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t signals_;
  sigset_t before_;
  int fd_ = -1;
};

class Launcher {
 public:
  explicit Launcher(const LaunchOptions& options) : options_(options) {}
  ~Launcher() {
    // Only after an exception: nothing may be left running.
    signal_all(SIGKILL);
    for (Rank& rank : ranks_) {
      if (!rank.process.exit_code) ::waitpid(rank.process.pid, nullptr, 0);
    }
  }
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  int run() {
    start();
    while (std::ranges::any_of(ranks_, [](const Rank& rank) { return !rank.process.exit_code; })) {
      wait_for_news();
      forward_signals();
      for (Rank& rank : ranks_) pump(rank);
      reap();
      if (kill_at_ && Clock::now() > *kill_at_) signal_all(SIGKILL);
    }
    for (Rank& rank : ranks_) {
      pump(rank);
      rank.output->finish();
    }
    return report();
  }

 private:
  struct Rank {
    int64_t number;
    RankProcess process;
    std::unique_ptr<RankOutput> output;
  };

  void start() {
    Master master{.host = "127.0.0.1"};
    if (!options_.master.empty()) master = parse_master(options_.master);
    // Here, so that a port in use is one message before anything is started.
    ListeningSocket socket;
    if (options_.node_rank == 0) {
      socket = listen_on(master.port);
      master.port = socket.port;
    }
    if (options_.log_dir) require_writable_directory(*options_.log_dir);
    for (int64_t local = 0; local < options_.num_processes; ++local) {
      start_one(local, master, local == 0 ? socket.fd : -1);
    }
    if (socket.fd >= 0) ::close(socket.fd);  // now it is rank 0's alone
  }

  void start_one(int64_t local, const Master& master, int socket) {
    const int64_t number = options_.node_rank * options_.num_processes + local;
    RankOutputOptions output{
        .rank = number, .shown = number == 0 || !options_.log_dir, .raw = number == 0};
    if (options_.log_dir) output.log_file = *options_.log_dir / format("rank_{:03}.log", number);
    const std::string threads = threads_of_each(options_);
    const char* omp = std::getenv("OMP_NUM_THREADS");
    const bool terminal = number == 0 && ::isatty(STDERR_FILENO) == 1;
    auto shown = std::make_unique<RankOutput>(shared_, output);
    const RankProcess process = start_rank(
        {.command = options_.command,
         .variables = {{"RANK", format("{}", number)},
                       {"WORLD_SIZE", format("{}", options_.num_nodes * options_.num_processes)},
                       {"LOCAL_RANK", format("{}", local)},
                       {"LOCAL_WORLD_SIZE", format("{}", options_.num_processes)},
                       {"MASTER_ADDR", master.host},
                       {"MASTER_PORT", format("{}", master.port)},
                       {"MENTOR_THREADS", threads},
                       {"OMP_NUM_THREADS", omp && *omp ? omp : threads},
                       {"MENTOR_TERMINAL", terminal ? "1" : ""},
                       {"MENTOR_LISTENING_SOCKET",
                        socket >= 0 ? format("{}", kInheritedSocket) : ""},
                       {"TORCHELASTIC_USE_AGENT_STORE", ""},
                       {"TORCHELASTIC_RESTART_COUNT", ""},
                       {kLauncherVariable, format("{}", ::getpid())}},
         .listening_socket = socket});
    ranks_.push_back({.number = number, .process = process, .output = std::move(shown)});
  }

  void wait_for_news() {
    std::vector<pollfd> watched{{.fd = signals_.fd(), .events = POLLIN}};
    for (const Rank& rank : ranks_) {
      for (const int fd : {rank.process.out, rank.process.err}) {
        watched.push_back({.fd = fd, .events = POLLIN});  // poll() passes over -1
      }
    }
    constexpr int kCheckDeadline = 200;
    ::poll(watched.data(), watched.size(), kill_at_ ? kCheckDeadline : -1);
  }

  void forward_signals() {
    for (int signal = signals_.next(); signal != 0; signal = signals_.next()) {
      if (signal == SIGCHLD) continue;
      interrupted_ = true;
      signal_all(signal);
    }
  }

  /// What has come from one rank; at the end of a stream its descriptor is closed.
  static void pump(Rank& rank) {
    const auto drain = [&rank](int& fd, int stream) {
      char buffer[1 << 14];
      while (fd >= 0) {
        const ssize_t size = ::read(fd, buffer, sizeof(buffer));
        if (size > 0) {
          rank.output->take(stream, {buffer, static_cast<size_t>(size)});
        } else if (size == 0) {
          ::close(std::exchange(fd, -1));
        } else {
          return;
        }
      }
    };
    drain(rank.process.out, STDOUT_FILENO);
    drain(rank.process.err, STDERR_FILENO);
  }

  void reap() {
    for (Rank& rank : ranks_) {
      int status = 0;
      if (rank.process.exit_code || ::waitpid(rank.process.pid, &status, WNOHANG) <= 0) continue;
      rank.process.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      rank.process.exit_code =
          WIFSIGNALED(status) ? 128 + rank.process.signal : WEXITSTATUS(status);
      note_end(rank);
    }
  }

  void note_end(const Rank& rank) {
    const int code = *rank.process.exit_code;
    const bool as_told = interrupted_ && (code == kExitInterrupted || code == kExitTerminated ||
                                          rank.process.signal == SIGHUP);
    if (code == kExitDone) return;
    if (as_told) {
      if (interrupt_code_ == kExitDone) interrupt_code_ = code;
      return;
    }
    if (first_failure_) return;
    first_failure_ = rank.number;
    signal_all(SIGTERM);
    kill_at_ = Clock::now() + options_.grace;
  }

  void signal_all(int signal) {
    for (const Rank& rank : ranks_) {
      if (!rank.process.exit_code) ::kill(rank.process.pid, signal);
    }
  }

  int report() {
    if (!first_failure_) return interrupt_code_;
    const auto failed = std::ranges::find(ranks_, *first_failure_, &Rank::number);
    const RankProcess& process = failed->process;
    std::string text = format("error: rank {} of {} ", failed->number,
                              options_.num_nodes * options_.num_processes);
    if (process.signal == 0) {
      text += format("failed first, with exit code {}", *process.exit_code);
    } else {
      text +=
          format("ended first, by signal {} ({}{})", process.signal, ::strsignal(process.signal),
                 process.signal == SIGKILL ? "; was the memory used up?" : "");
    }
    const std::string words = failed->output->last_words();
    shared_.write_line(STDERR_FILENO, "", words.empty() ? text : text + ":\n" + words);
    return *process.exit_code;
  }

  LaunchOptions options_;
  SignalQueue signals_;
  SharedOutput shared_;
  std::vector<Rank> ranks_;
  bool interrupted_ = false;
  int interrupt_code_ = kExitDone;
  std::optional<int64_t> first_failure_;
  std::optional<Clock::time_point> kill_at_;
};

}  // namespace

int launch(const LaunchOptions& options) {
  validate(options);
  return Launcher(options).run();
}

void end_with_launcher() {
  const char* launcher = std::getenv(kLauncherVariable);
  if (!launcher) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before this line.
  if (format("{}", ::getppid()) != launcher) ::_exit(kExitInternalError);
  ::unsetenv(kLauncherVariable);  // not for processes that this one starts
}

}  // namespace mentor
