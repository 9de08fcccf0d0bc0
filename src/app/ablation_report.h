#pragma once

#include "ablation_plan.h"

#include <iosfwd>

namespace mentor {

/// Writes ablations.md and report.html of a table that is done, and prints its findings.
void write_ablation_report(const AblationPlan& plan, std::ostream& out);

}  // namespace mentor
