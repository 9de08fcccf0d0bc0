#include "rank_process.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <spawn.h>
#include <string_view>
#include <unistd.h>

namespace mentor {
namespace {

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != text.npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : variables) {
    all.erase(name);
    if (!value.empty()) all.emplace(name, value);
  }
  std::vector<std::string> entries;
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    ::sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);  // the launcher blocks some
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::sigaddset(&signals, signal);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

RankProcess start_rank(const RankProcessOptions& options) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0) throw UserError("too many open files: start fewer processes");
  if (::pipe2(err, O_CLOEXEC) != 0) throw UserError("too many open files: start fewer processes");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  if (options.listening_socket >= 0) {
    posix_spawn_file_actions_adddup2(&actions, options.listening_socket, kInheritedSocket);
  }
  std::vector<std::string> words{"mentor"};
  words.insert(words.end(), options.command.begin(), options.command.end());
  std::vector<std::string> entries = environment_with(options.variables);
  RankProcess process{.out = out[0], .err = err[0]};
  const Attributes attributes;
  const int error = ::posix_spawn(&process.pid, "/proc/self/exe", &actions, attributes.get(),
                                  pointers(words).data(), pointers(entries).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  if (error != 0) {
    throw UserError(format("cannot start a process ({}): start fewer", std::strerror(error)));
  }
  for (const int fd : {process.out, process.err}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return process;
}

}  // namespace mentor
