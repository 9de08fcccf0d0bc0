#pragma once

#include "mentor/eval/scores.h"

#include <span>
#include <string_view>
#include <vector>

namespace mentor {

/// One row of a published table of DreamBench++ results.
struct PublishedRow {
  std::string_view method;
  std::string_view note;  // base model, or what an ablation leaves out
  Cells cells;            // NaN: not published
  int decimals = 3;       // as printed there
  double cp_deviation = kNoScore, pf_deviation = kNoScore;  // over seeds

  /// NaN: not published.
  [[nodiscard]] double deviation(Cell cell) const {
    return cell == Cell::kCp ? cp_deviation : cell == Cell::kPf ? pf_deviation : kNoScore;
  }
};

/// A table as its authors give it. None of its numbers comes from a judge that still answers.
struct PublishedTable {
  std::string_view title;
  std::string_view source;
  std::string_view judge;
  std::string_view remark;  // how its numbers differ from ours beside the judge, or empty
  std::span<const PublishedRow> rows;
};

[[nodiscard]] std::span<const PublishedTable> published_tables();
/// What MENTOR's paper says that each part of the method is worth.
[[nodiscard]] const PublishedTable& published_ablations();

/// MENTOR's paper: how far pictures of two data sets are from what a model makes of them, as "l2".
/// It does not say how that is normalised, so no figure of ours compares.
struct PublishedReconstruction {
  std::string_view method;
  double coco, journeydb;
};
[[nodiscard]] std::span<const PublishedReconstruction> published_reconstructions();

}  // namespace mentor
