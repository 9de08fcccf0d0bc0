#pragma once

#include "support/temp_dir.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace mentor {

struct ProgramResult {
  int exit_code = -1;  // 128 + the signal that ended it
  std::string out;
  std::string err;
};

/// Runs a program as a user does, without a shell, and waits for its end. Its output goes through
/// files, so its length does not matter. `input` is its standard input.
inline ProgramResult run_program(std::vector<std::string> words, const std::string& input = "") {
  const TempDir dir;
  std::ofstream(dir / "in") << input;
  const std::string paths[] = {(dir / "in").string(), (dir / "out").string(),
                               (dir / "err").string()};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, paths[0].c_str(), O_RDONLY, 0);
  for (const int fd : {1, 2}) {
    posix_spawn_file_actions_addopen(&actions, fd, paths[fd].c_str(), O_WRONLY | O_CREAT, 0600);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error =
      posix_spawn(&child, words.front().c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + words.front());

  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const auto content = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  };
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = content(paths[1]),
          .err = content(paths[2])};
}

}  // namespace mentor
