#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// The hosts of a Slurm node list: "gpu[03-05,7],login-1" is gpu03, gpu04, gpu05, gpu7, login-1.
/// Throws ConfigError with `variable`, where the list is from, when it cannot be read.
[[nodiscard]] std::vector<std::string> slurm_hosts(std::string_view list, const char* variable);

/// Numbers of tasks per node in Slurm's short form: "2(x3),1" is 2, 2, 2, 1.
[[nodiscard]] std::vector<int64_t> slurm_tasks_per_node(std::string_view list,
                                                        const char* variable);

}  // namespace mentor
