#include "ablation_page.h"

#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/report/html.h"
#include "mentor/report/page.h"
#include "mentor/report/picture.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace mentor {
namespace {

constexpr std::string_view kStyle = R"css(
.wide { overflow-x: auto; }
.wide table { width: 100%; border-collapse: collapse; font-size: 13px;
              font-variant-numeric: tabular-nums; }
.wide th { padding: 6px 14px 6px 0; text-align: left; font-weight: 600; white-space: nowrap; }
.wide td { padding: 6px 14px 6px 0; border-top: 1px solid var(--rule); white-space: nowrap; }
.wide small { display: block; font-size: 12px; color: var(--quiet); }
.plots td { white-space: normal; padding-right: 10px; }
.plots td + td { width: 20%; }
.axis { position: relative; height: 20px; min-width: 110px; background:
        linear-gradient(var(--rule), var(--rule)) center / 100% 1px no-repeat,
        repeating-linear-gradient(90deg, var(--rule) 0 1px, transparent 1px 25%); }
.axis * { position: absolute; }
.axis s { top: 0; bottom: 0; border-left: 1px dashed var(--quiet); }
.axis i { top: 9px; height: 3px; min-width: 2px; border-radius: 1px; background: var(--train);
          opacity: .55; }
.axis b { top: 5px; width: 10px; height: 10px; margin-left: -5px; border-radius: 50%;
          background: var(--train); }
.axis u { top: 5px; width: 9px; height: 9px; margin-left: -5px; transform: rotate(45deg);
          border: 2px solid var(--valid); background: var(--page); }
.yes { color: var(--good); } .no { color: var(--bad); }
.key-of-axis { font-size: 13px; color: var(--quiet); margin-bottom: 10px; }
.key-of-axis .axis { display: inline-block; width: 34px; min-width: 0; vertical-align: -5px;
                     background: none; margin-left: 12px; }
.drawn td { padding: 3px 8px 3px 0; vertical-align: middle; border: 0; }
.drawn td.words { white-space: normal; min-width: 96px; font-size: 12px; vertical-align: top;
                  color: var(--quiet); }
.drawn img { display: block; width: 84px; height: 84px; image-rendering: pixelated;
             border-radius: 2px; }
)css";

/// A style that puts something at a share of an axis from 0 to 1.
std::string at_share(double value) {
  return format("left:{:.2f}%", 100 * std::clamp(value, 0.0, 1.0));
}

/// Our mean and interval, the full model's mean, and the paper's value where there is one.
std::string axis_html(const Estimate& ours, double full, double paper) {
  if (std::isnan(ours.mean)) return "";
  std::string html = format("<s style=\"{}\"></s>", at_share(full));
  html += format("<i style=\"{};width:{:.2f}%\"></i>", at_share(ours.low),
                 100 * std::clamp(ours.high - ours.low, 0.0, 1.0));
  if (!std::isnan(paper)) html += format("<u style=\"{}\"></u>", at_share(paper));
  return format("<div class=\"axis\">{}<b style=\"{}\"></b></div>", html, at_share(ours.mean));
}

std::string agreement_html(const std::string& agreement) {
  if (agreement.empty()) return "";
  const std::string style = agreement == "yes" || agreement == "no" ? agreement : "quiet";
  const std::string words = agreement == "yes"  ? "as in the paper"
                            : agreement == "no" ? "the other way"
                                                : agreement;
  return format(" <span class=\"{}\">{}</span>", style, words);
}

/// A row of a plot: its name, a remark, and an axis for each figure that the paper has, too.
struct PlotRow {
  std::string name, note;
  const RowEstimates* estimates = nullptr;
  const PlannedRow* row = nullptr;  // null: nothing to compare with
};

std::string plot_html(const std::vector<PlotRow>& rows, const RowEstimates& full) {
  std::string html = "<div class=\"wide\"><table class=\"plots\">\n<tr><th></th>";
  for (const PaperFigure& figure : kComparedFigures) html += format("<th>{}</th>", figure.name);
  for (const PlotRow& row : rows) {
    html += format("</tr>\n<tr><td>{}<small>{}</small></td>", escape_html(row.name),
                   escape_html(row.note));
    const PublishedRow* paper = row.row ? published_row(*row.row) : nullptr;
    for (const PaperFigure& figure : kComparedFigures) {
      const Estimate& ours = row.estimates->figures[figure.figure];
      const double published = paper ? paper->cells[static_cast<size_t>(figure.cell)] : kNoScore;
      html += "<td>" + axis_html(ours, full.figures[figure.figure].mean, published);
      html += format(
          "<small>{:.3f} [{:.3f}, {:.3f}]{}</small></td>", ours.mean, ours.low, ours.high,
          row.row ? agreement_html(agreement_with_paper(*row.row, figure, *row.estimates)) : "");
    }
  }
  return html + "</tr>\n</table></div>\n";
}

constexpr std::string_view kKey =
    "<p class=\"key-of-axis\">From 0 to 1."
    "<span class=\"axis\"><i style=\"left:0;width:100%\"></i><b style=\"left:50%\"></b></span> "
    "ours with its interval"
    "<span class=\"axis\"><u style=\"left:50%\"></u></span> the paper's"
    "<span class=\"axis\"><s style=\"left:50%\"></s></span> our full model</p>\n";

std::string rows_html(const AblationPlan& plan, const AblationResults& results) {
  std::vector<PlotRow> rows;
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    const PublishedRow* paper = published_row(plan.rows[i]);
    rows.push_back(
        {.name = plan.rows[i].name,
         .note = format("{}; {} steps", paper ? std::string(paper->method) : "ours alone",
                        steps_of(plan, plan.rows[i])),
         .estimates = &results.rows[i],
         .row = &plan.rows[i]});
  }
  return format("<h2>Ours beside the paper's</h2>\n{}", kKey) +
         plot_html(rows, results.rows.front());
}

std::string sweep_html(const std::string& title,
                       const std::vector<std::pair<double, PlannedRow>>& points,
                       const std::vector<RowEstimates>& estimates, const AblationPlan& plan) {
  if (points.empty()) return "";
  std::vector<PlotRow> rows;
  size_t own = 0;  // the point that the full model of the table is, with the figure's seeds
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].second.drawings.front() == plan.rows.front().drawings.front()) own = i;
    rows.push_back({.name = format("{}", points[i].first), .estimates = &estimates[i]});
  }
  return format("<h2>{}</h2>\n<p class=\"quiet\">Trainings of each point: {}.</p>\n", title,
                points.front().second.drawings.size()) +
         plot_html(rows, estimates[own]);
}

/// What a picture was drawn from.
struct ShownCase {
  std::string id, prompt;
  fs::path reference;
};

std::vector<ShownCase> first_cases(const AblationPlan& plan) {
  constexpr size_t kMost = 8;
  std::istringstream lines(read_text(plan.cases_folder() / "subject.requests.jsonl"));
  std::vector<ShownCase> cases;
  for (std::string line; cases.size() < kMost && std::getline(lines, line);) {
    const auto request = nlohmann::json::parse(line);
    cases.push_back({.id = request.at("id"),
                     .prompt = request.at("prompt"),
                     .reference = plan.cases_folder() / request.at("image").get<std::string>()});
  }
  return cases;
}

/// The same cases by every row, of the first seed.
std::string pictures_html(const AblationPlan& plan) {
  const std::vector<ShownCase> cases = first_cases(plan);
  std::string html =
      "<h2>The same cases by every row</h2>\n<div class=\"wide\"><table class=\"drawn\">\n";
  const auto add_line = [&](const std::string& name, const auto& cell_of) {
    html += format("<tr><td>{}</td>", escape_html(name));
    for (const ShownCase& one : cases) html += cell_of(one);
    html += "</tr>\n";
  };
  const auto picture = [](const fs::path& file, const std::string& alt) {
    return "<td>" + pixels_html(read_image(file), alt) + "</td>";
  };
  add_line("reference", [&](const ShownCase& one) { return picture(one.reference, "reference"); });
  add_line("asked for", [&](const ShownCase& one) {
    return format("<td class=\"words\">{}</td>", escape_html(one.prompt));
  });
  for (const PlannedRow& row : plan.rows) {
    const PlannedDrawing& drawing = plan.drawings[row.drawings.front()];
    add_line(row.name, [&](const ShownCase& one) {
      return picture(plan.pictures(drawing) / (one.id + ".png"), row.name);
    });
  }
  return html + "</table></div>\n";
}

std::string table_html(const TextTable& table) {
  std::string html = format("<p class=\"quiet\">{}</p>\n<div class=\"wide\"><table>\n<tr>",
                            escape_html(table.note));
  for (const std::string& cell : table.header) html += format("<th>{}</th>", escape_html(cell));
  for (const auto& row : table.rows) {
    html += "</tr>\n<tr>";
    for (const std::string& cell : row) html += format("<td>{}</td>", escape_html(cell));
  }
  return html + "</tr>\n</table></div>\n";
}

}  // namespace

std::string ablation_page(const AblationPlan& plan, const AblationResults& results) {
  const std::string title = "Ablations on the toy world";
  std::string body = format("<h1>{}</h1>\n", title);
  for (const std::string& finding : ablation_findings(plan, results)) {
    body += format("<p class=\"quiet\">{}</p>\n", escape_html(finding));
  }
  body += rows_html(plan, results);
  body += sweep_html("Guidance scale of the full model", plan.guidance, results.guidance, plan);
  body += sweep_html("Share of dropped conditions in stage 2", plan.dropout, results.dropout, plan);
  body += pictures_html(plan) + "<h2>All figures</h2>\n";
  for (const TextTable& table : ablation_tables(plan, results)) {
    body += details_html(table.title, "", table_html(table));
  }
  return page_html({.title = title,
                    .tone = "finished",
                    .body = body,
                    .footer = format("{}: published values of {}.", published_ablations().title,
                                     published_ablations().source),
                    .style = kStyle});
}

}  // namespace mentor
