#pragma once

#include "ablation_tables.h"

#include <string>

namespace mentor {

/// The table as a page: intervals beside the paper's values, sweeps, the same cases drawn by every
/// row, all numbers. Reads the pictures of the first cases.
[[nodiscard]] std::string ablation_page(const AblationPlan& plan, const AblationResults& results);

}  // namespace mentor
