#pragma once

#include "mentor/eval/bootstrap.h"
#include "mentor/eval/similarity.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// Which pictures a mean is over.
enum class PictureGroup {
  kAll,
  kAnimal,
  kHuman,
  kObject,
  kStyle,
  kPhotorealistic,
  kPromptStyle,
  kImaginative,
};
inline constexpr size_t kNumPictureGroups = 8;
[[nodiscard]] std::string_view name_of(PictureGroup group);  // "Animal"
[[nodiscard]] std::string_view key_of(PictureGroup group);   // "animal"

/// A mean over the pictures of a group that were measured.
struct MeanLikeness {
  std::optional<double> value;
  std::optional<Interval> interval;  // none for pictures of a single subject
  int64_t pictures = 0;
};

/// One line of the table: a metric, or the share of copies.
struct LikenessRow {
  std::string key, name;  // "clip_i", "CLIP-I"; "copies", "Copies"
  std::array<MeanLikeness, kNumPictureGroups> groups;

  [[nodiscard]] const MeanLikeness& operator[](PictureGroup group) const {
    return groups.at(static_cast<size_t>(group));
  }
};

struct MetricLikeness {
  Metric metric;
  Checkpoint checkpoint;
  LikenessRow row;  // 100 x cosine
};

/// Pictures that reproduce their reference instead of the subject in another scene.
struct CopyRate {
  Metric metric;  // that decides
  double threshold = 0;
  LikenessRow row;  // per cent
};

/// All that follows from the similarities of one method; empty where nothing was measured.
struct LikenessTable {
  std::vector<MetricLikeness> metrics;
  std::optional<CopyRate> copies;
};

/// From which likeness on a picture is a copy, by the metric that decides.
struct CopyThresholds {
  double dino = 90;  // DINOv2, too
  double clip_i = 95;

  [[nodiscard]] double of(Metric metric) const { return metric == Metric::kClipI ? clip_i : dino; }
};

/// Micro-averages over pictures; intervals from drawing subjects again within their categories.
/// DataError, beginning with `where`, when one metric comes from several checkpoints.
[[nodiscard]] LikenessTable likeness_table(const Similarities& similarities,
                                           const BootstrapOptions& options,
                                           const CopyThresholds& copies, const fs::path& where);

/// A metric of two methods, over the pictures that were measured of both.
struct LikenessDifference {
  Metric metric;
  Checkpoint checkpoint;
  MeanLikeness first, second;  // 100 x cosine
  MeanLikeness difference;     // second - first, picture by picture
  int64_t alone = 0;           // pictures that were measured of one method only
};

/// DataError where two networks measured a metric. Metrics that only one method has are left out.
[[nodiscard]] std::vector<LikenessDifference> compare_likeness(const Similarities& first,
                                                               const Similarities& second,
                                                               const BootstrapOptions& options);

/// A mean as 100 x cosine, and its deviation over seeds; 0: not published.
struct PublishedMean {
  double value = 0, deviation = 0;
};
/// What others publish of a method.
struct PublishedLikeness {
  std::string_view method;
  PublishedMean dino_i, clip_i, clip_t;
  int decimals = 1;  // as printed there

  /// "70.853 ± 0.327"
  [[nodiscard]] std::string text(const PublishedMean& mean) const;
};
struct PublishedLikenessTable {
  std::string_view title, source;
  std::string_view remark;  // why its numbers are not comparable with ours whatever ours are
  std::span<const PublishedLikeness> rows;
};
[[nodiscard]] std::span<const PublishedLikenessTable> published_likeness();

/// How our number of a metric stands to the published one: "other checkpoint: ours is ...", or
/// what is not known of theirs; empty where both are of the same kind of network.
[[nodiscard]] std::string published_remark(const MetricLikeness& ours);

}  // namespace mentor
