#pragma once

#include "mentor/eval/evaluation.h"
#include "mentor/eval/published.h"
#include "mentor/eval/scores.h"
#include "mentor/eval/similarity_scores.h"

#include <string>
#include <vector>

namespace mentor {

/// What follows from the ratings of one method.
struct EvaluationFigures {
  ScoreTable table;          // without a headline: only bounds, no values
  bool has_headline = true;  // all is rated, or evaluate.allow_partial
  std::vector<std::string> not_comparable;
  std::vector<Agreement> agreements;
  std::vector<JudgeCheck> checks;
  LikenessTable likeness;
};
[[nodiscard]] EvaluationFigures conclude(const Evaluation& evaluation,
                                         const EvaluateConfig& config);

/// "0.555"; "n/a" where the data set has nothing of it, "-" where too little is rated.
[[nodiscard]] std::string cell_text(const CellScore& cell);
/// "0.531 to 0.580", "n/a"
[[nodiscard]] std::string interval_text(const std::optional<Interval>& interval);
/// A published value with the decimals it was printed with; "" where none was.
[[nodiscard]] std::string published_text(double value, int decimals);
/// "± 0.002" of a published value; "" where none was printed.
[[nodiscard]] std::string published_deviation(const PublishedRow& row, Cell cell);
/// What to say of a published table: how its numbers differ from ours, "not comparable".
[[nodiscard]] std::string remark_on(const PublishedTable& table, const EvaluationFigures& figures);
/// "97.3 % (1314 of 1350)"
[[nodiscard]] std::string coverage_text(const ScoreTable& table);

[[nodiscard]] CopyThresholds copy_thresholds(const EmbedConfig& config);
/// "DINO of 90 or more"
[[nodiscard]] std::string copy_rule_text(const CopyRate& copies);
/// A line for each metric and one for copies, means over all pictures, for a terminal.
[[nodiscard]] std::string likeness_text(const LikenessTable& table);
/// What to know before our likeness is put beside published figures; none: nothing.
[[nodiscard]] std::vector<std::string> likeness_remarks(const Evaluation& evaluation,
                                                        const LikenessTable& table);

/// For programs.
[[nodiscard]] std::string summary_json(const Evaluation& evaluation,
                                       const EvaluationFigures& figures);
/// A line for each cell, then one for each metric of likeness and group of pictures.
[[nodiscard]] std::string table_csv(const EvaluationFigures& figures);
/// A line for each rating that was to be made.
[[nodiscard]] std::string items_csv(const Evaluation& evaluation);
/// For a README or an issue.
[[nodiscard]] std::string report_markdown(const Evaluation& evaluation,
                                          const EvaluationFigures& figures);

}  // namespace mentor
