#pragma once

#include "mentor/eval/dataset.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mentor {

/// What the model is told of a prompt, with one <image> for the reference; `name` is a value of
/// evaluate.generate.template. The published code of MENTOR has no such template for DreamBench++:
/// ours is that of its training.
[[nodiscard]] std::string sample_prompt(std::string_view name, const Subject& subject,
                                        int64_t prompt);

/// Seed of a prompt's pictures, which depends on nothing but what is given here.
[[nodiscard]] uint64_t prompt_seed(uint64_t base, const SubjectKey& subject, int64_t prompt);

/// A subject that looks different: half of the data set away, where another category begins, and
/// called differently. DataError for a data set that has none.
[[nodiscard]] const Subject& other_subject(const Dataset& dataset, const Subject& subject);

}  // namespace mentor
