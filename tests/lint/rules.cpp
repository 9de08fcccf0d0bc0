#include "lint/rules.h"

#include "lint/source_scan.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace mentor::lint {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxFileLines = 500;
constexpr int kMaxFunctionLines = 60;

bool is_cpp(const std::string& path) {
  return path.ends_with(".h") || path.ends_with(".cpp") || path.ends_with(".cu");
}

bool matches(const std::string& path, const std::string& pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string::npos) return path == pattern;
  if (!path.starts_with(pattern.substr(0, star))) return false;
  const std::string rest = pattern.substr(star + 1);
  for (size_t i = star; i <= path.size(); ++i) {
    if (matches(path.substr(i), rest)) return true;
  }
  return false;
}

/// include/mentor/nn/rope.h and src/nn/rope.cpp: nn; src/main.cpp: main; elsewhere: nothing.
std::string module_of(const std::string& path) {
  static const std::regex pattern(R"((?:include/mentor|src)/([a-z_]+)[/.].*)");
  std::smatch match;
  return std::regex_match(path, match, pattern) ? match[1].str() : "";
}

/// Calls visit(line number, line) for every line of a text.
template <class Visit>
void for_each_line(const std::string& text, Visit visit) {
  std::istringstream in(text);
  int number = 0;
  for (std::string line; std::getline(in, line);) visit(++number, line);
}

void check_module_include(const SourceFile& file, int line, const std::string& included,
                          const Layers& layers, std::vector<Finding>& findings) {
  const std::string from = module_of(file.path);
  const std::string to = included.substr(0, included.find('/'));
  if (!layers.rank_of.contains(to)) {
    findings.push_back({file.path, line, "module '" + to + "' is not in layers.txt"});
    return;
  }
  const int from_rank = layers.rank_of.at(from);
  const int to_rank = layers.rank_of.at(to);
  const bool banned =
      std::find(layers.bans.begin(), layers.bans.end(), std::pair(from, to)) != layers.bans.end();
  if (banned || (from != to && to_rank >= from_rank)) {
    findings.push_back({file.path, line,
                        from + " (rank " + std::to_string(from_rank) + ") may not include " + to +
                            " (rank " + std::to_string(to_rank) + ")"});
  }
}

void check_library_include(const SourceFile& file, int line, const std::string& header,
                           const Layers& layers, std::vector<Finding>& findings) {
  for (const Layers::Only& rule : layers.only) {
    if (!header.starts_with(rule.header_prefix)) continue;
    const bool allowed = std::any_of(rule.files.begin(), rule.files.end(),
                                     [&](const auto& p) { return matches(file.path, p); });
    if (!allowed) {
      findings.push_back({file.path, line, "<" + header + "> does not belong here (layers.txt)"});
      return;
    }
  }
}

}  // namespace

Layers parse_layers(const std::string& text) {
  Layers layers;
  for_each_line(text, [&](int number, const std::string& line) {
    std::istringstream in(line);
    std::string keyword, first, second;
    if (!(in >> keyword) || keyword.starts_with('#')) return;
    in >> first >> second;
    if (keyword == "rank" && !second.empty()) {
      for (; !second.empty(); second.clear(), in >> second) {
        layers.rank_of[second] = std::stoi(first);
      }
    } else if (keyword == "ban" && !second.empty()) {
      layers.bans.emplace_back(first, second);
    } else if (keyword == "only" && second == "in") {
      using Words = std::istream_iterator<std::string>;
      layers.only.push_back({first, {Words(in), Words()}});
    } else {
      throw std::runtime_error("layers.txt:" + std::to_string(number) +
                               ": not understood: " + line);
    }
  });
  return layers;
}

std::vector<SourceFile> read_sources(const fs::path& root,
                                     const std::vector<std::string>& folders) {
  static const std::set<std::string> extensions = {".h", ".cpp", ".cu", ".cmake", ".sh", ".txt"};
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = fs::relative(entry.path(), root).generic_string();
      const bool is_source = extensions.contains(entry.path().extension().string());
      if (!entry.is_regular_file() || !is_source || path.starts_with("tests/golden/")) continue;
      std::ifstream in(entry.path());
      files.push_back({path, {std::istreambuf_iterator<char>(in), {}}});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::vector<Finding> check_layers(const std::vector<SourceFile>& files, const Layers& layers) {
  static const std::regex include(R"re(^\s*#\s*include\s*(["<])(mentor/)?([^">]+)[">].*)re");
  std::vector<Finding> findings;
  for (const SourceFile& file : files) {
    const std::string from = module_of(file.path);
    if (!is_cpp(file.path) || from.empty()) continue;
    if (!layers.rank_of.contains(from)) {
      findings.push_back({file.path, 1, "module '" + from + "' is not in layers.txt"});
      continue;
    }
    for_each_line(file.text, [&](int number, const std::string& line) {
      std::smatch match;
      if (!std::regex_match(line, match, include)) return;
      if (match[2].matched) {
        check_module_include(file, number, match[3], layers, findings);
      } else if (match[1] == "<") {
        check_library_include(file, number, match[3], layers, findings);
      } else if (match[3].str().find('/') != std::string::npos) {
        findings.push_back({file.path, number, "a private header is of the same folder"});
      }
    });
  }
  return findings;
}

std::vector<Finding> check_lengths(const std::vector<SourceFile>& files) {
  std::vector<Finding> findings;
  for (const SourceFile& file : files) {
    const auto num_lines = std::count(file.text.begin(), file.text.end(), '\n');
    if (num_lines > kMaxFileLines) {
      findings.push_back({file.path, kMaxFileLines + 1,
                          std::to_string(num_lines) + " lines, at most 500 are readable"});
    }
    if (!is_cpp(file.path)) continue;
    try {
      for (const Function& function : find_functions(file.text)) {
        if (function.num_lines <= kMaxFunctionLines) continue;
        findings.push_back({file.path, function.first_line,
                            std::to_string(function.num_lines) +
                                " lines, at most 60: " + function.signature.substr(0, 60)});
      }
    } catch (const std::runtime_error& error) {
      findings.push_back({file.path, 1, error.what()});
    }
  }
  return findings;
}

std::vector<Finding> check_markers(const std::vector<SourceFile>& files) {
  static const std::regex marker(R"(\b(TO)"
                                 R"(DO|FIX)"
                                 R"(ME|XX)"
                                 R"(X|HA)"
                                 R"(CK)\b)");
  std::vector<Finding> findings;
  for (const SourceFile& file : files) {
    for_each_line(file.text, [&](int number, const std::string& line) {
      if (std::regex_search(line, marker)) {
        findings.push_back({file.path, number, "a note to self: do it, or open an issue"});
      }
    });
  }
  return findings;
}

std::vector<Finding> check_top_level(const std::vector<std::string>& tracked_paths) {
  static const std::set<std::string> allowed = {"CMakeLists.txt", "LICENSE", "README.md", "configs",
                                                "include",        "scripts", "src",       "tests",
                                                "third_party"};
  std::set<std::string> found;
  for (const std::string& path : tracked_paths) found.insert(path.substr(0, path.find('/')));
  std::vector<Finding> findings;
  for (const std::string& entry : found) {
    if (!entry.starts_with('.') && !allowed.contains(entry)) {
      findings.push_back({entry, 1, "not an entry of the repository's top level"});
    }
  }
  return findings;
}

}  // namespace mentor::lint
