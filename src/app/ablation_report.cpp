#include "ablation_report.h"

#include "ablation_page.h"
#include "mentor/core/format.h"

#include <ostream>

namespace mentor {

void write_ablation_report(const AblationPlan& plan, std::ostream& out) {
  const AblationResults results = read_results(plan);
  const std::vector<TextTable> tables = ablation_tables(plan, results);
  std::string text = "# Ablations on the toy world\n\n";
  for (const std::string& finding : ablation_findings(plan, results)) {
    text += finding + "\n\n";
    out << finding << "\n";
  }
  for (const TextTable& table : tables) text += markdown(table);
  write_text(plan.out / "ablations.md", text);
  write_text(plan.out / "report.html", ablation_page(plan, results));
  out << format("{}\n{}\n", plan.out / "ablations.md", plan.out / "report.html");
}

}  // namespace mentor
