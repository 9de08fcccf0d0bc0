#pragma once

#include "support/temp_dir.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mentor {

struct ProgramResult {
  int exit_code = -1;  // 128 + the signal that ended it
  std::string out;
  std::string err;
};

struct ProgramStart {
  std::string input;                     // its standard input
  std::vector<std::string> environment;  // "NAME=value", before the test's own
};

/// A program started as a user does, without a shell. Its output goes through files, so its length
/// does not matter. Killed when the test does not wait for it.
class StartedProgram {
 public:
  explicit StartedProgram(std::vector<std::string> words, const ProgramStart& start = {}) {
    std::ofstream(dir_ / "in") << start.input;
    const std::string paths[] = {(dir_ / "in").string(), (dir_ / "out").string(),
                                 (dir_ / "err").string()};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, paths[0].c_str(), O_RDONLY, 0);
    for (const int fd : {1, 2}) {
      posix_spawn_file_actions_addopen(&actions, fd, paths[fd].c_str(), O_WRONLY | O_CREAT, 0600);
    }
    std::vector<std::string> variables = start.environment;
    for (char** entry = environ; *entry; ++entry) variables.emplace_back(*entry);
    const int error = posix_spawn(&child_, words.front().c_str(), &actions, nullptr,
                                  pointers(words).data(), pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + words.front());
  }
  ~StartedProgram() {
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    wait();
  }
  StartedProgram(const StartedProgram&) = delete;
  StartedProgram& operator=(const StartedProgram&) = delete;

  [[nodiscard]] pid_t pid() const { return child_; }
  [[nodiscard]] std::string out() const { return content("out"); }  // so far
  [[nodiscard]] std::string err() const { return content("err"); }

  ProgramResult wait() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = 0;
    return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = out(),
            .err = err()};
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  }

  [[nodiscard]] std::string content(const char* name) const {
    std::ifstream in(dir_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  TempDir dir_;
  pid_t child_ = 0;
};

/// Runs a program and waits for its end.
inline ProgramResult run_program(std::vector<std::string> words, const std::string& input = "") {
  return StartedProgram(std::move(words), {.input = input}).wait();
}

}  // namespace mentor
