#pragma once

#include "support/processes.h"
#include "support/rank_variables.h"
#include "support/run_program.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace mentor {

/// All ranks of a run of dist_rank (rank_main.cpp) that plays a scenario.
class SeveralRanks {
 public:
  SeveralRanks(int world, const std::string& scenario, const std::string& timeout = "20000") {
    for (int rank = 0; rank < world; ++rank) {
      programs_.push_back(std::make_unique<StartedProgram>(
          std::vector<std::string>{DIST_RANK, scenario, timeout},
          ProgramStart{.environment = rank_variables(rank, world, port_.number())}));
      pids_.push_back(programs_.back()->pid());
    }
  }

  [[nodiscard]] pid_t pid(int rank) const { return pids_[static_cast<size_t>(rank)]; }
  ProgramResult wait(int rank) { return programs_[static_cast<size_t>(rank)]->wait(); }
  /// Since they were started.
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  FreePort port_;
  std::vector<std::unique_ptr<StartedProgram>> programs_;
  std::vector<pid_t> pids_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace mentor
