#include "mentor/core/format.h"
#include "mentor/report/html.h"
#include "report_parts.h"

#include <algorithm>
#include <optional>

namespace mentor {
namespace {

std::string number(const std::optional<double>& value) {
  return value ? format("{:.1f}", *value) : std::string("–");
}

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return format("{}, {}", checkpoint.name, checkpoint.architecture);
}

bool is_total(size_t group) { return static_cast<PictureGroup>(group) == PictureGroup::kAll; }

std::string head_html() {
  std::string html =
      "<thead><tr><th></th><th></th><th colspan=\"4\">By subject</th><th colspan=\"3\">By "
      "prompt</th></tr>\n<tr><th>100 × cosine</th>";
  for (size_t i = 0; i < kNumPictureGroups; ++i) {
    html += format("<th{}>{}</th>", is_total(i) ? " class=\"total\"" : "",
                   name_of(static_cast<PictureGroup>(i)));
  }
  return html + "</tr></thead>\n";
}

std::string row_html(const LikenessRow& row, const std::string& note, const char* unit) {
  std::string html = format("<tr class=\"ours\"><th>{}<small>{}</small></th>",
                            escape_html(row.name), escape_html(note));
  for (size_t i = 0; i < kNumPictureGroups; ++i) {
    const MeanLikeness& mean = row.groups.at(i);
    std::string content = mean.value ? number(mean.value) + unit : std::string("n/a");
    if (mean.interval) {
      content +=
          format("<small>{:.1f}<br/>{:.1f}</small>", mean.interval->low, mean.interval->high);
    }
    html += format("<td{}>{}</td>", is_total(i) ? " class=\"total\"" : "", content);
  }
  return html + "</tr>\n";
}

std::string own_table(const LikenessTable& table) {
  std::string rows;
  for (const MetricLikeness& metric : table.metrics) {
    rows += row_html(metric.row, checkpoint_text(metric.checkpoint), "");
  }
  if (table.copies) {
    rows += row_html(table.copies->row, copy_rule_text(*table.copies), " %");
  }
  return "<div class=\"wide\"><table class=\"scores\">" + head_html() + "<tbody>" + rows +
         "</tbody></table></div>\n";
}

std::optional<double> mean_of(const LikenessTable& table, Metric metric) {
  const auto found = std::ranges::find(table.metrics, metric, &MetricLikeness::metric);
  return found == table.metrics.end() ? std::nullopt : found->row[PictureGroup::kAll].value;
}

std::string published_table(const Evaluation& evaluation, const LikenessTable& table) {
  const auto cells = [](const std::string& dino, const std::string& clip_i,
                        const std::string& clip_t) {
    return format("<td>{}</td><td>{}</td><td>{}</td></tr>\n", dino, clip_i, clip_t);
  };
  std::string dino = number(mean_of(table, Metric::kDino));
  if (const auto second = mean_of(table, Metric::kDinov2)) {
    dino += format("<small>DINOv2 {:.1f}</small>", *second);
  }
  std::string rows =
      format("<tr class=\"ours\"><th>{}</th>", escape_html(evaluation.method)) +
      cells(dino, number(mean_of(table, Metric::kClipI)), number(mean_of(table, Metric::kClipT)));
  for (const PublishedLikenessTable& published : published_likeness()) {
    rows += format("<tr class=\"source\"><td colspan=\"4\"><div><b>{}</b> {}{}{}</div></td></tr>\n",
                   escape_html(published.title), escape_html(published.source),
                   published.remark.empty() ? "" : "; ", escape_html(published.remark));
    for (const PublishedLikeness& row : published.rows) {
      rows += format("<tr><th>{}</th>", escape_html(row.method)) +
              cells(row.text(row.dino_i), row.text(row.clip_i), row.text(row.clip_t));
    }
  }
  return "<table class=\"scores\"><thead><tr><th>Method</th><th>DINO-I</th><th>CLIP-I</th>"
         "<th>CLIP-T</th></tr></thead><tbody>" +
         rows + "</tbody></table>\n";
}

}  // namespace

std::string likeness_html(const Evaluation& evaluation, const EvaluationFigures& figures) {
  const LikenessTable& table = figures.likeness;
  if (table.metrics.empty()) return "";
  std::string remarks;
  for (const std::string& remark : likeness_remarks(evaluation, table)) {
    remarks += "<li>" + escape_html(remark) + "</li>";
  }
  return "<h2>Likeness, without a judge</h2>\n<p class=\"quiet\">Means over pictures; below them, "
         "what holds 95 % of the values that drawing other subjects would give. CLIP-I and DINO "
         "compare a picture with its reference, and are highest for a copy; CLIP-T compares it "
         "with its prompt.</p>\n" +
         own_table(table) +
         details_html("Beside published figures", "seven methods of DreamBench++, MENTOR",
                      published_table(evaluation, table) +
                          (remarks.empty() ? "" : "<ul class=\"why\">" + remarks + "</ul>"));
}

std::vector<KeyFigure> likeness_figures(const LikenessTable& table) {
  std::vector<KeyFigure> shown;
  for (const auto& [metric, checkpoint, row] : table.metrics) {
    const MeanLikeness& mean = row[PictureGroup::kAll];
    shown.push_back({row.name, number(mean.value),
                     mean.interval
                         ? format("{:.1f} to {:.1f}", mean.interval->low, mean.interval->high)
                         : std::string()});
  }
  return shown;
}

std::vector<KeyFigure> copy_figures(const LikenessTable& table) {
  if (!table.copies) return {};
  const LikenessRow& row = table.copies->row;
  return {{row.name, number(row[PictureGroup::kAll].value) + " %", copy_rule_text(*table.copies)}};
}

}  // namespace mentor
