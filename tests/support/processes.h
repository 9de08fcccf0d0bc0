#pragma once

#include "support/run_program.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

namespace mentor {

/// Whether `condition` comes true within 30 s.
inline bool comes_true(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(500);
  }
  return true;
}

/// The processes that a process has started: the ranks of `mentor launch`, in order.
inline std::vector<pid_t> children_of(pid_t process) {
  const std::string number = std::to_string(process);
  std::ifstream in("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; in >> child;) children.push_back(child);
  return children;
}

/// Whether a process computes or waits still; what nobody has asked after does not.
inline bool is_running(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  if (!std::getline(in, text)) return false;
  const char state = text[text.rfind(')') + 2];
  return state != 'Z' && state != 'X';
}

/// kill -9, of the program alone; returns when it and what it had started are gone.
inline void kill_at_once(StartedProgram& program) {
  const std::vector<pid_t> children = children_of(program.pid());
  ::kill(program.pid(), SIGKILL);
  (void)program.wait();
  for (const pid_t child : children) (void)comes_true([child] { return !is_running(child); });
}

}  // namespace mentor
