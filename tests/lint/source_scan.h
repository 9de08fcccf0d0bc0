#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mentor::lint {

/// The source with comments, literals and preprocessor lines blanked. Newlines stay, so that line
/// numbers hold; what is left has balanced braces.
std::string blank_all_but_code(std::string_view source);

/// A function as the reader sees it: from the first line of its signature to its closing brace.
struct Function {
  std::string signature;  // up to the opening brace, on one line
  int first_line = 0;
  int num_lines = 0;
};

/// The functions at namespace and class level; lambdas and local classes count for the function
/// around them. A heuristic over braces and keywords, not a parser: test_lint.cpp says what it
/// knows. Throws std::runtime_error when the braces do not balance.
std::vector<Function> find_functions(std::string_view source);

}  // namespace mentor::lint
