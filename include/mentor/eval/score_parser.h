#pragma once

#include "mentor/eval/store.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace mentor {

/// The published rule: exactly one "score:" or "Score:" with a number behind it, between them at
/// most blanks and one word. A decimal is cut, as there; what is not 0 to 4 is none, unlike there.
[[nodiscard]] std::optional<int64_t> strict_score(std::string_view answer);

/// For judges that dress their answers up: thoughts and markdown are dropped, the last score
/// counts, "/4", "out of 4" and words in brackets may stand beside it. Decimals and ranges are
/// none.
[[nodiscard]] std::optional<int64_t> lenient_score(std::string_view answer);

/// Reads `attempt.answer` by the rule "strict" or "lenient" and sets status, score and error.
void apply_parser(Attempt& attempt, std::string_view rule);

}  // namespace mentor
