#pragma once

#include "mentor/generate/generate_config.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// What a user asks for: one prompt, its pictures, how many results.
struct GenerateRequest {
  std::string id = "picture";  // names the output files
  std::string text;
  std::vector<std::filesystem::path> images;
  std::vector<std::string> objects;  // for task templates that name the object of a picture
  std::string task = "none";
  uint64_t seed = 0;
  int64_t count = 1;

  /// The prompt with one <image> per picture: `text` itself, or the task's template around it. A
  /// text without <image> has its pictures before it, named where there are objects: "<image>\n a
  /// star", "The star in <image>.\na star".
  [[nodiscard]] std::string prompt() const;
  /// What the k-th picture is called: the id, and a number where there are several.
  [[nodiscard]] std::string picture_name(int64_t k) const;
  /// Seed of the k-th picture: a stream of its own for each.
  [[nodiscard]] uint64_t picture_seed(int64_t k) const;
};

/// Whether there are no words in it: nothing, or blanks alone.
[[nodiscard]] bool is_blank(std::string_view text);

/// The request of one JSON line: {"prompt": ..., "image": FILE | [FILE...], "id", "seed", "count",
/// "task", "object"}. Absent keys take the values of `config`, an absent id is `default_id`;
/// relative picture paths are taken from `folder`. Throws DataError that begins with `where`
/// ("requests.jsonl:3") for an unknown key, a wrong type, an id that is no file name or a prompt
/// without words.
[[nodiscard]] GenerateRequest parse_request(std::string_view line, const std::string& where,
                                            const std::filesystem::path& folder,
                                            const GenerateConfig& config,
                                            const std::string& default_id);

/// A record to score: a request and the picture whose probability is asked for, as a file or as
/// its codes.
struct ScoreRecord {
  GenerateRequest request;
  std::filesystem::path target;
  std::vector<int64_t> tokens;
};

/// Records of a JSONL file: the keys of a request, and "target": FILE or "tokens": [code, ...].
[[nodiscard]] std::vector<ScoreRecord> read_score_records(const std::filesystem::path& file,
                                                          const GenerateConfig& config);

/// All requests of a JSONL file; ids default to the line number. They must differ, and so must the
/// names of the pictures.
[[nodiscard]] std::vector<GenerateRequest> read_requests(const std::filesystem::path& file,
                                                         const GenerateConfig& config);

}  // namespace mentor
