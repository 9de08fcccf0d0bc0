#include "mentor/core/format.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace mentor {
namespace {

TEST(Format, TakesEveryKindOfArgument) {
  const std::filesystem::path path = "a/b.txt";
  EXPECT_EQ(format("{} {} {} {:.2f} {} {}", 1, -2L, size_t{3}, 0.5, "text", path),
            "1 -2 3 0.50 text a/b.txt");
  EXPECT_EQ(format("{}{}{}", 'c', true, std::string("s")), "ctrues");
  EXPECT_EQ(format("{:>6}|{:<4}|", 12, "ab"), "    12|ab  |");
}

TEST(Format, TextWithoutArgumentsIsKept) { EXPECT_EQ(format("plain {{}}"), "plain {}"); }

}  // namespace
}  // namespace mentor
