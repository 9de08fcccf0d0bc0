#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mentor::lint {

/// One source file, with its path relative to the repository root.
struct SourceFile {
  std::string path;
  std::string text;
};

/// A violation, printed as `path:line: message` so that editors jump to it.
struct Finding {
  std::string path;
  int line = 0;
  std::string message;
};

/// What layers.txt says.
struct Layers {
  struct Only {
    std::string header_prefix;
    std::vector<std::string> files;  // patterns: '*' stands for anything
  };
  std::map<std::string, int> rank_of;
  std::vector<std::pair<std::string, std::string>> bans;
  std::vector<Only> only;
};

/// Throws std::runtime_error naming the line that is not understood.
Layers parse_layers(const std::string& text);

/// Every text file under the folders named, sorted. Empty folders may be absent; a tree without any
/// file is the caller's error to report.
std::vector<SourceFile> read_sources(const std::filesystem::path& root,
                                     const std::vector<std::string>& folders);

std::vector<Finding> check_layers(const std::vector<SourceFile>& files, const Layers& layers);
/// Files of at most 500 lines, functions of at most 60.
std::vector<Finding> check_lengths(const std::vector<SourceFile>& files);
/// No notes to self: what is to be done is an issue, not a comment.
std::vector<Finding> check_markers(const std::vector<SourceFile>& files);
/// At the top of the repository, only the entries that everybody knows.
std::vector<Finding> check_top_level(const std::vector<std::string>& tracked_paths);

}  // namespace mentor::lint
