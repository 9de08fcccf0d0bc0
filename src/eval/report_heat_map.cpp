#include "mentor/core/format.h"
#include "mentor/report/html.h"
#include "report_parts.h"

#include <cmath>

namespace mentor {
namespace {

/// Of all samples of a prompt.
std::optional<double> mean_of(const Evaluation& evaluation, RatingTask task, ItemKey item) {
  ItemRuns all;
  for (item.sample = 0; item.sample < evaluation.samples_per_prompt; ++item.sample) {
    const ItemRuns runs = runs_of(evaluation, task, item);
    all.scores.insert(all.scores.end(), runs.scores.begin(), runs.scores.end());
  }
  return all.mean();
}

/// "3" or "2.7", in one of nine tones.
std::string cell_html(const std::optional<double>& mean) {
  if (!mean) return "<td class=\"none\">–</td>";
  const bool whole = *mean == std::floor(*mean);
  return format("<td class=\"h{:.0f}\">{:.{}f}</td>", 2 * *mean, *mean, whole ? 0 : 1);
}

std::string row_html(const Evaluation& evaluation, const Subject& subject) {
  std::string row = format("<tr><th><a href=\"#{}\">{}</a></th>", anchor_of(subject.key),
                           escape_html(subject.name));
  for (const RatingTask task : evaluation.tasks) {
    if (task != evaluation.tasks.front()) row += "<td class=\"gap\"></td>";
    for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
      row += cell_html(mean_of(evaluation, task, {subject.key, prompt, 0}));
    }
  }
  return row + "</tr>\n";
}

std::string head_html(const Evaluation& evaluation) {
  std::string row = "<thead><tr><th></th>";
  for (const RatingTask task : evaluation.tasks) {
    if (task != evaluation.tasks.front()) row += "<td class=\"gap\"></td>";
    row += format("<th colspan=\"9\">{}, prompts 0–8</th>", task == RatingTask::kCp ? "CP" : "PF");
  }
  return row + "</tr></thead>\n";
}

}  // namespace

std::string heat_map_html(const Evaluation& evaluation) {
  std::string html =
      "<h2>Subjects and prompts</h2>\n<p class=\"quiet\">Scores 0 to 4, means over runs. Prompts "
      "0–3 ask for photographs, 4–6 for a style, 7–8 for something imagined.</p>\n"
      "<div class=\"heats\">";
  for (const Category category : kCategories) {
    std::string rows;
    for (const Subject& subject : evaluation.dataset.subjects) {
      if (subject.key.category == category) rows += row_html(evaluation, subject);
    }
    if (rows.empty()) continue;
    html += format("<table class=\"heat\"><caption>{}</caption>{}<tbody>{}</tbody></table>\n",
                   category_name(category), head_html(evaluation), rows);
  }
  return html + "</div>\n";
}

}  // namespace mentor
