#pragma once

#include "mentor/eval/summary.h"
#include "mentor/report/page.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

// Parts of the report's page, each as HTML; empty where there is nothing to show.

/// Ours with intervals, above what others published.
[[nodiscard]] std::string results_html(const Evaluation& evaluation,
                                       const EvaluationFigures& figures);
/// CLIP-I, CLIP-T, DINO and copies, by group, and beside what DreamBench++ publishes.
[[nodiscard]] std::string likeness_html(const Evaluation& evaluation,
                                        const EvaluationFigures& figures);
/// The same over all pictures, for the top of the page.
[[nodiscard]] std::vector<KeyFigure> likeness_figures(const LikenessTable& table);
/// The share of copies, where it is known.
[[nodiscard]] std::vector<KeyFigure> copy_figures(const LikenessTable& table);
/// CP against PF: ours with its intervals, published ones as dots, lines of equal CP·PF.
[[nodiscard]] std::string scatter_html(const Evaluation& evaluation,
                                       const EvaluationFigures& figures);
/// How well the judge agrees with itself and with people, and what it says of known cases.
[[nodiscard]] std::string trust_html(const EvaluationFigures& figures);
/// Scores of every subject and prompt.
[[nodiscard]] std::string heat_map_html(const Evaluation& evaluation);
/// Each subject to unfold: its reference, what was generated, captions, scores, the judge's words.
[[nodiscard]] std::string gallery_html(const Evaluation& evaluation, int threads);
/// Ratings that have no score, and why.
[[nodiscard]] std::string failures_html(const Evaluation& evaluation);

/// Where on the page a subject is shown: "animal-00".
[[nodiscard]] std::string anchor_of(const SubjectKey& key);

/// Scores of one picture in all runs.
struct ItemRuns {
  std::vector<std::optional<int64_t>> scores;

  /// Over the runs that have one, 0 to 4.
  [[nodiscard]] std::optional<double> mean() const;
};
[[nodiscard]] ItemRuns runs_of(const Evaluation& evaluation, RatingTask task, const ItemKey& item);

}  // namespace mentor
