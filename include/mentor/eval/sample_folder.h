#pragma once

#include "mentor/core/filesystem.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace mentor {

/// Everything that a method's pictures depend on beside data set and prompt, by key.
struct SampleOrigin {
  std::map<std::string, std::string> settings;
  std::map<std::string, std::string> weights;  // hashes
};

/// One picture of a method.
struct SampleRecord {
  std::string subject;           // its collection id, the name of its folder
  std::string stem;              // "3_0": prompt and sample
  std::string prompt;            // as the model got it
  uint64_t seed = 0;             // of its random numbers
  std::string reference_sha256;  // of the data set's file
  std::string sha256;            // of the picture's file; "" before it is drawn
};

/// Whether the folder holds pictures that no SampleFolder was filled with.
[[nodiscard]] bool holds_foreign_samples(const fs::path& root);

struct SampleFolderOptions {
  fs::path root;
  SampleOrigin origin;
  std::string suffix = ".jpg";
  bool redraw = false;
  int64_t rank = 0;
  // For messages: where users name the folder, and the key of `redraw`, if there is one.
  std::string named = "evaluate.samples", redraw_key = "evaluate.generate.redraw";
};

/// A method's pictures in the layout of the published ones, filled picture by picture: src_image/,
/// tgt_image/, text/, and manifest.json, which tells how to draw each again. Ranks fill it
/// together, the first one opening it before and finishing it after the others. Killed at any
/// moment, it holds whole pictures only.
class SampleFolder {
 public:
  /// UserError for pictures of another origin (unless `redraw`, which deletes them), for those that
  /// somebody else put there, and when another process fills the folder.
  explicit SampleFolder(SampleFolderOptions options);
  ~SampleFolder();
  SampleFolder(const SampleFolder&) = delete;
  SampleFolder& operator=(const SampleFolder&) = delete;

  /// Whether the picture is there as it was drawn, from this prompt, seed and reference.
  [[nodiscard]] bool has(const SampleRecord& wanted) const;
  /// Writes the picture, its reference (both as files' content) and its caption.
  void add(SampleRecord record, const std::string& picture, const std::string& reference,
           const std::string& caption);
  /// Of rank 0, when all have ended: writes the manifest.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mentor
