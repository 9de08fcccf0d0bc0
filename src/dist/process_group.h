#pragma once

#include "rank_output.h"
#include "rank_process.h"

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// The signals that a parent of processes reads instead of being interrupted by.
class SignalQueue {
 public:
  SignalQueue();
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// 0 when none has come.
  [[nodiscard]] int next() const;

 private:
  sigset_t signals_;
  sigset_t before_;
  int fd_ = -1;
};

/// Processes of this program that fail together: after the first failure the others get SIGTERM,
/// after a grace SIGKILL. SIGINT, SIGTERM and SIGHUP go on to all, which may take the time they
/// need to save. If this process is killed, the kernel kills them.
class ProcessGroup {
 public:
  explicit ProcessGroup(std::chrono::seconds grace) : grace_(grace) {}
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  /// `name` is for the message about its failure. Returns its number, counted from 0.
  size_t start(const std::string& name, RankProcessOptions process,
               const RankOutputOptions& output);
  /// Passes on what has come since, and waits for it until `limit`; -1 ms: for as long as it takes.
  void wait(std::chrono::milliseconds limit = std::chrono::milliseconds(-1));
  [[nodiscard]] bool is_running() const;
  /// Nothing until the process has ended.
  [[nodiscard]] std::optional<int> exit_code(size_t member) const;
  /// Whether a failure or a signal has come: nothing more is to be started.
  [[nodiscard]] bool is_ending() const { return first_failure_ || interrupted_by_ != 0; }
  /// 0 when no signal has come.
  [[nodiscard]] int interrupted_by() const { return interrupted_by_; }
  /// Of the group, once none is running: after a failure its message, and the code of the first
  /// that failed; after a signal the code of that; else 0.
  [[nodiscard]] int finish();

 private:
  struct Member {
    std::string name;
    RankProcess process;
    std::unique_ptr<RankOutput> output;
  };

  void wait_for_news(std::chrono::milliseconds limit);
  void forward_signals();
  void reap();
  void note_end(size_t member);
  void signal_all(int signal);

  std::chrono::seconds grace_;
  SignalQueue signals_;
  SharedOutput shared_;
  std::vector<Member> members_;
  int interrupted_by_ = 0;
  int interrupt_code_ = 0;
  std::optional<size_t> first_failure_;
  std::optional<std::chrono::steady_clock::time_point> kill_at_;
};

}  // namespace mentor
