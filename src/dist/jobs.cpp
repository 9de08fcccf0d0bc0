#include "mentor/dist/jobs.h"

#include "mentor/core/filesystem.h"
#include "process_group.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace mentor {
namespace {

constexpr std::chrono::seconds kGrace{10};
constexpr std::chrono::seconds kWatchEvery{1};

/// Alone, also where this process is one of several.
const std::vector<std::pair<std::string, std::string>> kVariables = {{"RANK", ""},
                                                                     {"WORLD_SIZE", ""},
                                                                     {"LOCAL_RANK", ""},
                                                                     {"LOCAL_WORLD_SIZE", ""},
                                                                     {"SLURM_PROCID", ""},
                                                                     {"MENTOR_TERMINAL", ""},
                                                                     {"MENTOR_THREADS", "1"},
                                                                     {"OMP_NUM_THREADS", "1"}};

class JobRun {
 public:
  JobRun(const std::vector<Job>& jobs, const JobOptions& options)
      : jobs_(jobs), options_(options), members_(jobs.size()), group_(kGrace) {}

  int execute() {
    while (true) {
      start_what_can();
      if (!group_.is_running()) break;
      group_.wait(kWatchEvery);
      options_.watch();
    }
    const int code = group_.finish();
    // Those that ran when the signal came may have been done before it reached them.
    return code == 0 && group_.interrupted_by() != 0 ? 128 + group_.interrupted_by() : code;
  }

 private:
  using Member = std::optional<size_t>;  // of the group; nothing for a job that has not begun

  [[nodiscard]] bool done(const Member& member) const {
    return member && group_.exit_code(*member) == 0;
  }
  [[nodiscard]] bool is_running(const Member& member) const {
    return member && !group_.exit_code(*member);
  }
  void start_what_can() {
    auto running = std::ranges::count_if(members_, [this](const auto& m) { return is_running(m); });
    for (size_t i = 0; i < jobs_.size() && running < options_.num_processes; ++i) {
      const bool ready = std::ranges::all_of(
          jobs_[i].after, [this](size_t earlier) { return done(members_[earlier]); });
      if (members_[i] || !ready || group_.is_ending()) continue;
      require_writable_directory(jobs_[i].log.parent_path());
      members_[i] =
          group_.start(jobs_[i].name, {.command = jobs_[i].command, .variables = kVariables},
                       {.shown = false, .log_file = jobs_[i].log});
      ++running;
    }
  }

  const std::vector<Job>& jobs_;
  const JobOptions& options_;
  std::vector<Member> members_;
  ProcessGroup group_;
};

}  // namespace

int run_jobs(const std::vector<Job>& jobs, const JobOptions& options) {
  return JobRun(jobs, options).execute();
}

}  // namespace mentor
