#pragma once

#include "ablation_plan.h"

namespace mentor {

/// UserError naming what all rows start from (codec, tokenizer, weights) and is not there, or is a
/// run without a checkpoint or not finished. Nothing is written.
void require_parts(const AblationPlan& plan);

/// Keeps hashes of these parts in the folder of the table. UserError when its trainings started
/// from others, of which they would be compared with those to come.
void keep_parts(const AblationPlan& plan);

}  // namespace mentor
