#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/summary.h"

#include <string>

namespace mentor {

struct EvaluationReportInput {
  std::string configuration;  // as it is printed by `mentor config dump`
  int threads = 1;
};

/// The page: one file, readable without a network, less than 5 MB for the published data set.
[[nodiscard]] std::string report_page(const Evaluation& evaluation,
                                      const EvaluationFigures& figures,
                                      const EvaluationReportInput& input);

/// Writes report.html, report.md, summary.json, table.csv and items.csv into evaluate.out and
/// returns what they say. UserError, after writing them, when too little is rated for a headline.
EvaluationFigures write_evaluation_report(const EvaluateConfig& config,
                                          const EvaluationReportInput& input);

}  // namespace mentor
