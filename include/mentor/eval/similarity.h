#pragma once

#include "mentor/eval/dataset.h"
#include "mentor/eval/samples.h"

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

// Likeness as networks see it, beside what a judge says: 100 x the cosine of two embeddings, not
// clamped. Kept for good, as ratings are: JSON lines that are only ever appended.

/// CLIP-I, DINO, DINOv2: picture and reference; CLIP-T: picture and caption.
enum class Metric { kClipI, kClipT, kDino, kDinov2 };
inline constexpr std::array kMetrics = {Metric::kClipI, Metric::kClipT, Metric::kDino,
                                        Metric::kDinov2};
[[nodiscard]] std::string_view name_of(Metric metric);  // "CLIP-I"
[[nodiscard]] std::string_view key_of(Metric metric);   // "clip_i"

/// The network behind a number.
struct Checkpoint {
  std::string name;          // of its folder or file
  std::string architecture;  // "ViT-B/32"
  std::string sha256;        // of its weights
  std::string dtype;         // what it computes in
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

struct Measurement {
  double value = 0;
  Checkpoint checkpoint;
};

/// What is known of one generated picture.
struct Similarity {
  ItemKey item;
  std::string reference_sha256, generated_sha256;  // of the files
  std::string caption;
  std::array<std::optional<Measurement>, kMetrics.size()> values;

  [[nodiscard]] const std::optional<Measurement>& of(Metric metric) const {
    return values.at(static_cast<size_t>(metric));
  }
  [[nodiscard]] std::optional<Measurement>& of(Metric metric) {
    return values.at(static_cast<size_t>(metric));
  }
};
using Similarities = std::map<ItemKey, Similarity>;

/// Where `mentor evaluate embed` keeps them.
[[nodiscard]] fs::path similarity_file(const fs::path& out_folder);

/// The last line of each picture. DataError with file:line for a line that is none of these,
/// except half a last one; empty for a file that does not exist.
[[nodiscard]] Similarities read_similarities(const fs::path& file);

/// Those of the complete ones of `items`.
[[nodiscard]] Similarities similarities_of(const Similarities& all,
                                           const std::vector<SampleFiles>& items);

/// Appends to such a file; see RatingStore.
class SimilarityStore {
 public:
  explicit SimilarityStore(const fs::path& file);
  ~SimilarityStore();
  SimilarityStore(const SimilarityStore&) = delete;
  SimilarityStore& operator=(const SimilarityStore&) = delete;

  /// What the file holds, with all that was appended.
  [[nodiscard]] const Similarities& all() const;
  void append(const Similarity& similarity);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The one checkpoint of each metric; none where nothing was measured. DataError, beginning with
/// `where`, when numbers of one metric come from several: their mean would mean nothing.
[[nodiscard]] std::array<std::optional<Checkpoint>, kMetrics.size()> checkpoints_of(
    const Similarities& similarities, const fs::path& where);

/// The metric that says whether a picture is a copy of its reference: DINO, else DINOv2, else
/// CLIP-I; none where none was measured.
[[nodiscard]] std::optional<Metric> copy_metric(const Similarities& similarities);

/// The files of DreamBench++'s own code: clip_scores_image.json, clip_scores_text.json,
/// dino_scores_v1.json and dino_scores_v2.json, {"<collection id>-<prompt>_<sample>": value}.
/// Writes those of which there are values, whole or not at all, and returns their paths.
std::vector<fs::path> export_similarities(const Similarities& similarities, const Dataset& dataset,
                                          const fs::path& folder);

}  // namespace mentor
