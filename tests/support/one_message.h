#pragma once

#include "support/run_program.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

namespace mentor {

/// What every mistake of a user ends in: exit code 2 and one line on standard error.
inline void expect_one_message(const ProgramResult& result, const std::string& part) {
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, testing::StartsWith("error: "));
  EXPECT_THAT(result.err, testing::HasSubstr(part));
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
}

}  // namespace mentor
