#include "process_group.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/dist/launcher.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace mentor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kParentVariable = "MENTOR_LAUNCHER_PID";

/// What has come from one process; at the end of a stream its descriptor is closed.
void pump(RankProcess& process, RankOutput& output) {
  const auto drain = [&output](int& fd, int stream) {
    char buffer[1 << 14];
    while (fd >= 0) {
      const ssize_t size = ::read(fd, buffer, sizeof(buffer));
      if (size > 0) {
        output.take(stream, {buffer, static_cast<size_t>(size)});
      } else if (size == 0) {
        ::close(std::exchange(fd, -1));
      } else {
        return;
      }
    }
  };
  drain(process.out, STDOUT_FILENO);
  drain(process.err, STDERR_FILENO);
}

}  // namespace

SignalQueue::SignalQueue() {
  ::sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&signals_, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  fd_ = ::signalfd(-1, &signals_, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd_ < 0) throw UserError("too many open files: start fewer processes");
}

SignalQueue::~SignalQueue() {
  ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int SignalQueue::next() const {
  signalfd_siginfo info{};
  return ::read(fd_, &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
}

ProcessGroup::~ProcessGroup() {
  // Only after an exception: nothing may be left running.
  signal_all(SIGKILL);
  for (Member& member : members_) {
    if (!member.process.exit_code) ::waitpid(member.process.pid, nullptr, 0);
  }
}

size_t ProcessGroup::start(const std::string& name, RankProcessOptions process,
                           const RankOutputOptions& output) {
  auto shown = std::make_unique<RankOutput>(shared_, output);
  process.variables.emplace_back(kParentVariable, format("{}", ::getpid()));
  members_.push_back({.name = name, .process = start_rank(process), .output = std::move(shown)});
  return members_.size() - 1;
}

void ProcessGroup::wait(std::chrono::milliseconds limit) {
  wait_for_news(limit);
  forward_signals();
  for (Member& member : members_) pump(member.process, *member.output);
  reap();
  if (kill_at_ && Clock::now() > *kill_at_) signal_all(SIGKILL);
}

bool ProcessGroup::is_running() const {
  return std::ranges::any_of(members_,
                             [](const Member& member) { return !member.process.exit_code; });
}

std::optional<int> ProcessGroup::exit_code(size_t member) const {
  return members_.at(member).process.exit_code;
}

void ProcessGroup::wait_for_news(std::chrono::milliseconds limit) {
  std::vector<pollfd> watched{{.fd = signals_.fd(), .events = POLLIN}};
  for (const Member& member : members_) {
    for (const int fd : {member.process.out, member.process.err}) {
      if (fd >= 0) watched.push_back({.fd = fd, .events = POLLIN});
    }
  }
  constexpr int kCheckDeadline = 200;
  ::poll(watched.data(), watched.size(),
         kill_at_ ? kCheckDeadline : static_cast<int>(limit.count()));
}

void ProcessGroup::forward_signals() {
  for (int signal = signals_.next(); signal != 0; signal = signals_.next()) {
    if (signal == SIGCHLD) continue;
    if (interrupted_by_ == 0) interrupted_by_ = signal;
    signal_all(signal);
  }
}

void ProcessGroup::reap() {
  for (size_t i = 0; i < members_.size(); ++i) {
    RankProcess& process = members_[i].process;
    int status = 0;
    if (process.exit_code || ::waitpid(process.pid, &status, WNOHANG) <= 0) continue;
    process.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    process.exit_code = WIFSIGNALED(status) ? 128 + process.signal : WEXITSTATUS(status);
    note_end(i);
  }
}

void ProcessGroup::note_end(size_t member) {
  const RankProcess& process = members_[member].process;
  const int code = *process.exit_code;
  const bool as_told =
      interrupted_by_ != 0 &&
      (code == kExitInterrupted || code == kExitTerminated || process.signal == SIGHUP);
  if (code == kExitDone) return;
  if (as_told) {
    if (interrupt_code_ == kExitDone) interrupt_code_ = code;
    return;
  }
  if (first_failure_) return;
  first_failure_ = member;
  signal_all(SIGTERM);
  kill_at_ = Clock::now() + grace_;
}

void ProcessGroup::signal_all(int signal) {
  for (const Member& member : members_) {
    if (!member.process.exit_code) ::kill(member.process.pid, signal);
  }
}

int ProcessGroup::finish() {
  for (Member& member : members_) {
    pump(member.process, *member.output);
    member.output->finish();
  }
  if (!first_failure_) return interrupt_code_;
  const Member& failed = members_[*first_failure_];
  const RankProcess& process = failed.process;
  std::string text = format("error: {} ", failed.name);
  if (process.signal == 0) {
    text += format("failed first, with exit code {}", *process.exit_code);
  } else {
    text += format("ended first, by signal {} ({}{})", process.signal, ::strsignal(process.signal),
                   process.signal == SIGKILL ? "; was the memory used up?" : "");
  }
  const std::string words = failed.output->last_words();
  shared_.write_line(STDERR_FILENO, "", words.empty() ? text : text + ":\n" + words);
  return *process.exit_code;
}

void end_with_launcher() {
  const char* parent = std::getenv(kParentVariable);
  if (!parent) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before this line.
  if (format("{}", ::getppid()) != parent) ::_exit(kExitInternalError);
  ::unsetenv(kParentVariable);  // not for processes that this one starts
}

}  // namespace mentor
