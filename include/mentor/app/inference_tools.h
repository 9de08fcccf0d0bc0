#pragma once

#include "mentor/app/run_config.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace mentor {

// What `mentor generate`, `mentor score` and `mentor codec` do.

struct GenerateOptions {
  LoadedRunConfig run;
  std::filesystem::path out = "out";  // folder, or a .png or .jpg file
  std::filesystem::path save_tokens;  // may be empty

  // What to draw, one of three: a prompt with its pictures and their objects ...
  std::string prompt;
  std::vector<std::string> images, objects;
  std::filesystem::path requests;  // ... a file of JSON lines ...
  bool serve_input = false;        // ... or such lines as they come in
};

/// Draws pictures, writes them with their JSON sidecars and prints their files to `out`. Everything
/// that can be wrong with a request is found before the models are loaded. With `serve_input` every
/// line of `in` gets a line of JSON in `out`: {"id", "files"} or {"id", "error"}.
void generate_pictures(const GenerateOptions& options, std::istream& in, std::ostream& out);

struct ScoreOptions {
  RunConfig config;
  std::filesystem::path records, out;
};

/// Writes one JSON line per record: id, task, nll_sum, nll_mean, tokens. Logs the means, also those
/// of each task where there are several.
void score_pictures(const ScoreOptions& options);

/// The loss of the configured model on data.validation, as training measures it, prints its means
/// by task and, unless `file` is empty, writes them there as JSON. ConfigError without such data.
void score_held_out(const LoadedRunConfig& run, const std::filesystem::path& file,
                    std::ostream& out);

struct CodecEncodeOptions {
  RunConfig config;
  std::vector<std::string> images;
  std::filesystem::path codes;
  bool full = false;  // the whole picture, not its central square
};
void encode_pictures(const CodecEncodeOptions& options);

struct CodecDecodeOptions {
  RunConfig config;
  std::filesystem::path codes, folder = "out";
};
/// Prints the pictures' files to `out`.
void decode_code_file(const CodecDecodeOptions& options, std::ostream& out);

}  // namespace mentor
