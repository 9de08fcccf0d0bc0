#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace mentor {

/// A command of this program that runs as a process of its own.
struct Job {
  std::string name;                  // for messages
  std::vector<std::string> command;  // arguments for this same program
  std::vector<size_t> after;         // what must have succeeded before: earlier jobs of the list
  std::filesystem::path log;         // what it prints is added to this file
};

struct JobOptions {
  int64_t num_processes = 1;            // at a time
  std::function<void()> watch = [] {};  // called about once a second
};

/// Runs all jobs, on one thread each, in their order as far as they wait for each other. When one
/// fails the others are stopped, its message comes last, and its exit code is returned; signals
/// go to those that run, and nothing more is started. 0 when all have succeeded.
[[nodiscard]] int run_jobs(const std::vector<Job>& jobs, const JobOptions& options);

}  // namespace mentor
