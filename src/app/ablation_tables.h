#pragma once

#include "ablation_plan.h"
#include "mentor/app/ablation_scores.h"
#include "mentor/eval/published.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// What a table of results came to: the estimates of plan.rows, .guidance and .dropout.
struct AblationResults {
  std::vector<RowEstimates> rows, guidance, dropout;
  int64_t num_identities = 0;
};

/// Reads the scores of all drawings.
[[nodiscard]] AblationResults read_results(const AblationPlan& plan);

/// A figure of ours, and the cell of the paper that it stands beside.
struct PaperFigure {
  std::string_view name;
  size_t figure;
  Cell cell;
};
inline constexpr std::array<PaperFigure, 3> kPaperFigures = {
    {{"CP", kCpFigure, Cell::kCp},
     {"PF", kPfFigure, Cell::kPf},
     {"CP×PF", kProductFigure, Cell::kProduct}}};
/// With CP of what the prompt does not name: a model that draws shapes worse has a lower CP, too,
/// though the prompt says which shape it is; only this one can come from the reference alone.
inline constexpr std::array<PaperFigure, 4> kComparedFigures = {
    {kPaperFigures[0],
     {"untold CP", kUntoldFigure, Cell::kCp},
     kPaperFigures[1],
     kPaperFigures[2]}};

/// The paper's row that a row stands beside, or null.
[[nodiscard]] const PublishedRow* published_row(const PlannedRow& row);

/// "yes", "no" or "within noise"; "" where there is nothing to agree with.
[[nodiscard]] std::string agreement_with_paper(const PlannedRow& row, const PaperFigure& figure,
                                               const RowEstimates& estimates);

/// Of both stages: "1200 + 2000".
[[nodiscard]] std::string steps_of(const AblationPlan& plan, const PlannedRow& row);

/// A table of texts, for Markdown and for a page.
struct TextTable {
  std::string title;
  std::string note;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// Ours beside the paper's, the differences to the full model, what was right, the sweeps.
[[nodiscard]] std::vector<TextTable> ablation_tables(const AblationPlan& plan,
                                                     const AblationResults& results);

/// How far the signs are those of the paper, and what the figures are of.
[[nodiscard]] std::vector<std::string> ablation_findings(const AblationPlan& plan,
                                                         const AblationResults& results);

[[nodiscard]] std::string markdown(const TextTable& table);

}  // namespace mentor
