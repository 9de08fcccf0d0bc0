#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/eval/published.h"
#include "mentor/report/html.h"
#include "mentor/report/page.h"
#include "report_parts.h"

#include <span>

namespace mentor {
namespace {

/// After which a gap shows that another mean begins.
bool ends_group(Cell cell) { return cell == Cell::kCp || cell == Cell::kPf; }

/// Column of a mean over all items.
bool is_total(Cell cell) { return ends_group(cell) || cell == Cell::kProduct; }

std::string cell_html(Cell cell, const std::string& content) {
  return format("<td{}>{}</td>", is_total(cell) ? " class=\"total\"" : "", content);
}

std::string head_html() {
  std::string html =
      "<thead><tr><th></th><th colspan=\"5\">CP by subject</th>"
      "<th colspan=\"4\">PF by prompt</th><th colspan=\"2\"></th></tr>\n<tr><th>Method</th>";
  for (size_t i = 0; i < kNumCells; ++i) {
    const auto cell = static_cast<Cell>(i);
    html += format("<th{}>{}</th>", is_total(cell) ? " class=\"total\"" : "", name_of(cell));
  }
  return html + "</tr></thead>\n";
}

std::string our_rows(const Evaluation& evaluation, const EvaluationFigures& figures) {
  const bool shown = figures.has_headline;
  std::string row =
      format("<tr class=\"ours\"><th>{}<small>{}</small></th>", escape_html(evaluation.method),
             shown ? "95 % interval" : "were the missing 0, or 4");
  for (size_t i = 0; i < kNumCells; ++i) {
    const CellScore& cell = figures.table.cells[i];
    std::string content = cell_text(cell);
    const auto range = shown || cell.expected == 0 ? cell.interval : std::optional(cell.bounds);
    if (range) content += format("<small>{:.3f}<br/>{:.3f}</small>", range->low, range->high);
    row += cell_html(static_cast<Cell>(i), content);
  }
  return row + "</tr>\n";
}

std::string published_rows(const PublishedTable& table) {
  std::string html;
  for (const PublishedRow& row : table.rows) {
    html +=
        format("<tr><th>{}<small>{}</small></th>", escape_html(row.method), escape_html(row.note));
    for (size_t i = 0; i < kNumCells; ++i) {
      const auto cell = static_cast<Cell>(i);
      std::string content = published_text(row.cells[i], row.decimals);
      const std::string deviation = published_deviation(row, cell);
      if (!deviation.empty()) content += "<small>" + deviation + "</small>";
      html += cell_html(cell, content);
    }
    html += "</tr>\n";
  }
  return html;
}

/// Says before each published table where it comes from and who judged.
std::string source_row(const PublishedTable& table, const std::string& remark) {
  return format(
      "<tr class=\"source\"><td colspan=\"{}\"><div><b>{}</b> {}; judge: {}{}{}</div></td></tr>\n",
      kNumCells + 1, escape_html(table.title), escape_html(table.source), escape_html(table.judge),
      remark.empty() ? "" : "; ", escape_html(remark));
}

std::string table_html(const std::string& rows) {
  return "<div class=\"wide\"><table class=\"scores\">" + head_html() + "<tbody>" + rows +
         "</tbody></table></div>\n";
}

std::string optional_text(const std::optional<double>& value) {
  return value ? format("{:.3f}", *value) : "n/a";
}

}  // namespace

std::string results_html(const Evaluation& evaluation, const EvaluationFigures& figures) {
  constexpr size_t kShownAtOnce = 2;  // the leaderboard and MENTOR's table
  const std::span<const PublishedTable> tables = published_tables();
  const auto rows_of = [&](const PublishedTable& table) {
    return source_row(table, remark_on(table, figures)) + published_rows(table);
  };
  std::string rows = our_rows(evaluation, figures), more;
  for (const PublishedTable& table : tables.first(kShownAtOnce)) rows += rows_of(table);
  for (const PublishedTable& table : tables.subspan(kShownAtOnce)) more += rows_of(table);
  return "<h2>Beside published results</h2>\n" + table_html(rows) +
         details_html("More published results", "ablations of MENTOR, people, others",
                      table_html(more));
}

std::string trust_html(const EvaluationFigures& figures) {
  std::string html;
  if (!figures.checks.empty()) {
    std::string rows;
    for (const JudgeCheck& check : figures.checks) {
      rows += format("<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                     escape_html(check.name), escape_html(check.expected),
                     cell_text(check.table[Cell::kCp]), cell_text(check.table[Cell::kPf]),
                     coverage_text(check.table));
    }
    html +=
        "<table class=\"scores\"><thead><tr><th>Known cases</th><th>Expected</th><th>CP</th>"
        "<th>PF</th><th>Rated</th></tr></thead><tbody>" +
        rows + "</tbody></table>\n";
  }
  if (!figures.agreements.empty()) {
    std::string rows;
    for (const Agreement& agreement : figures.agreements) {
      rows +=
          format("<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                 escape_html(agreement.between), agreement.task == RatingTask::kCp ? "CP" : "PF",
                 agreement.items, optional_text(agreement.alpha), optional_text(agreement.pearson));
    }
    html +=
        "<table class=\"scores\"><thead><tr><th>Agreement between</th><th>Of</th>"
        "<th>Pictures</th><th>Krippendorff's α</th><th>Pearson</th></tr></thead><tbody>" +
        rows + "</tbody></table>\n";
  }
  return html.empty() ? "" : "<h2>How far to trust the judge</h2>\n" + html;
}

std::string failures_html(const Evaluation& evaluation) {
  constexpr size_t kMostRows = 200, kLongest = 300;
  std::string rows;
  size_t count = 0;
  for (const auto& [key, score] : item_scores(evaluation)) {
    if (score || ++count > kMostRows) continue;
    const auto found = evaluation.ratings.find(key);
    const bool asked = found != evaluation.ratings.end();
    const std::string why = !asked                        ? "not asked yet"
                            : found->second.error.empty() ? found->second.answer
                                                          : found->second.error;
    rows += format("<tr><td>{}</td><td>{}, run {}</td><td>{}: {}</td></tr>\n", key.item.string(),
                   key.task == RatingTask::kCp ? "CP" : "PF", key.run + 1,
                   asked ? status_name(found->second.status) : "missing",
                   escape_html(cut_text(why, kLongest)));
  }
  if (count == 0) return "";
  const std::string note = count > kMostRows
                               ? format("{}, the first {} are listed", count, kMostRows)
                               : format("{}", count);
  return "<h2>Without a score</h2>\n" +
         details_html("Ratings that failed or are to be made", note,
                      "<table class=\"events\"><tbody>" + rows + "</tbody></table>");
}

}  // namespace mentor
