// lint RULE ROOT: checks the sources below ROOT; exit code 1 and one line per violation.
#include "lint/rules.h"

#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace mentor::lint {
namespace {

std::vector<std::string> lines_of_standard_input() {
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) lines.push_back(line);
  if (lines.empty()) throw std::runtime_error("no path on standard input");
  return lines;
}

std::vector<Finding> check(const std::string& rule, const std::filesystem::path& root) {
  if (rule == "top-level") return check_top_level(lines_of_standard_input());
  const std::vector<SourceFile> files =
      read_sources(root, {"include", "src", "tests", "scripts", "third_party"});
  const bool has_headers = std::any_of(files.begin(), files.end(), [](const SourceFile& file) {
    return file.path.starts_with("include/mentor/");
  });
  if (!has_headers) throw std::runtime_error("no header below " + root.string());
  if (rule == "lengths") return check_lengths(files);
  if (rule == "markers") return check_markers(files);
  if (rule == "layers") {
    std::ifstream in(root / "tests/lint/layers.txt");
    return check_layers(files, parse_layers({std::istreambuf_iterator<char>(in), {}}));
  }
  throw std::runtime_error("unknown rule '" + rule + "'");
}

}  // namespace
}  // namespace mentor::lint

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: lint layers|lengths|markers|top-level ROOT\n";
    return 2;
  }
  try {
    const auto findings = mentor::lint::check(argv[1], argv[2]);
    for (const mentor::lint::Finding& finding : findings) {
      std::cerr << finding.path << ":" << finding.line << ": " << finding.message << "\n";
    }
    return findings.empty() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "lint " << argv[1] << ": " << error.what() << "\n";
    return 2;
  }
}
