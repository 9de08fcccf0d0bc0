#include "mentor/eval/report.h"

#include "mentor/core/content_hash.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/report/html.h"
#include "mentor/report/page.h"
#include "report_parts.h"
#include "report_style.h"

#include <map>
#include <set>

namespace mentor {
namespace {

std::string head_html(const Evaluation& evaluation, const EvaluationFigures& figures) {
  if (!evaluation.is_rated()) {
    return format(
        "<h1>{}</h1>\n<div class=\"state\"><b>not rated yet</b><span>{} subjects</span>"
        "<span>{} pictures</span></div>\n",
        escape_html(evaluation.method), evaluation.dataset.subjects.size(),
        evaluation.similarities.size());
  }
  std::string html = format(
      "<h1>{}</h1>\n<div class=\"state\"><b>{}</b><span>{} subjects</span><span>judge: {}, {} "
      "{}</span></div>\n",
      escape_html(evaluation.method),
      figures.table.coverage() == 1 ? "all rated" : coverage_text(figures.table) + " rated",
      figures.table.subjects, escape_html(evaluation.judge.model), evaluation.runs,
      evaluation.runs == 1 ? "run" : "runs");
  if (figures.not_comparable.empty()) return html;
  std::string reasons;
  for (const std::string& reason : figures.not_comparable) {
    reasons += "<li>" + escape_html(reason) + "</li>";
  }
  return html +
         "<div class=\"message\"><b>Not comparable with published figures</b>\n<ul class=\"why\">" +
         reasons + "</ul></div>\n";
}

std::string figure_note(const CellScore& cell) {
  std::string note = cell.interval ? interval_text(cell.interval) : std::string();
  if (cell.rated < cell.expected) {
    note += format("{}missing as 0 or 4: {}", note.empty() ? "" : "; ", interval_text(cell.bounds));
  }
  if (cell.deviation)
    note += format("{}± {:.4f} over runs", note.empty() ? "" : "; ", *cell.deviation);
  return note;
}

std::string headline_html(const Evaluation& evaluation, const EvaluationFigures& figures) {
  const std::vector<KeyFigure> copies = copy_figures(figures.likeness);
  std::vector<KeyFigure> shown;
  if (!evaluation.is_rated()) {
    shown = likeness_figures(figures.likeness);
    shown.insert(shown.end(), copies.begin(), copies.end());
    return figures_html(shown);
  }
  for (const Cell cell : {Cell::kProduct, Cell::kCp, Cell::kPf}) {
    const CellScore& score = figures.table[cell];
    shown.push_back({std::string(name_of(cell)), cell_text(score), figure_note(score)});
    // A copy of the reference raises CP.
    if (cell == Cell::kCp) shown.insert(shown.end(), copies.begin(), copies.end());
  }
  return figures_html(shown) +
         "<p class=\"quiet\">Intervals hold 95 % of the values that drawing other subjects of each "
         "category would give. CP: likeness to the subject of the reference; PF: obedience to the "
         "prompt.</p>\n";
}

/// Everything that the figures depend on, by its hash.
std::string hashes_text(const Evaluation& evaluation) {
  std::set<std::string> prompts, hosts;
  std::map<ItemKey, std::string> pictures;
  ContentHasher ratings, generated;
  double cost = 0;
  for (const auto& [key, attempt] : evaluation.ratings) {
    prompts.insert(attempt.prompt_sha256);
    if (!attempt.judge.host.empty()) hosts.insert(attempt.judge.host);
    pictures[key.item] = attempt.generated_sha256;
    ratings.add_field(format("{} {} {} {}", task_name(key.task), key.run, key.item.string(),
                             attempt.score.value_or(-1)));
    cost += attempt.cost;
  }
  for (const auto& [item, sha256] : pictures) generated.add_field(item.string() + sha256);
  std::string text;
  const auto checkpoints = checkpoints_of(evaluation.similarities, "similarity.jsonl");
  for (const Metric metric : kMetrics) {
    const auto& checkpoint = checkpoints.at(static_cast<size_t>(metric));
    if (!checkpoint) continue;
    text += format("{:<11} {}, {}, {}, sha256 {}\n", name_of(metric), checkpoint->name,
                   checkpoint->architecture, checkpoint->dtype, checkpoint->sha256);
  }
  if (!evaluation.is_rated()) return text;
  const JudgeIdentity& judge = evaluation.judge;
  text += format("model       {}\nparameters  {}\nrubric      {}\nscores      {}\npictures    {}\n",
                 judge.model, judge.parameters, judge.rubric, ratings.hash().string(),
                 generated.hash().string());
  for (const std::string& host : hosts) text += "host        " + host + "\n";
  for (const std::string& prompt : prompts) {
    if (!prompt.empty()) text += "prompt      sha256 " + prompt + "\n";
  }
  if (cost > 0) text += format("cost        {:.2f}\n", cost);
  return text;
}

/// What ratings say; nothing where there are none.
std::string ratings_html(const Evaluation& evaluation, const EvaluationFigures& figures) {
  if (!evaluation.is_rated()) return "";
  return results_html(evaluation, figures) + scatter_html(evaluation, figures) +
         trust_html(figures);
}

std::string settings_html(const Evaluation& evaluation, const EvaluationReportInput& input) {
  const auto pre = [](const std::string& text) { return "<pre>" + escape_html(text) + "</pre>"; };
  std::string html = "<h2>Details</h2>\n" +
                     details_html("Judge, networks and hashes", "", pre(hashes_text(evaluation)));
  if (!input.configuration.empty()) {
    html += details_html("Configuration", "", pre(input.configuration));
  }
  return html;
}

}  // namespace

std::string report_page(const Evaluation& evaluation, const EvaluationFigures& figures,
                        const EvaluationReportInput& input) {
  Page page{.title = evaluation.method + (evaluation.is_rated() ? ": CP and PF" : ": likeness"),
            .tone = figures.not_comparable.empty() ? "finished" : "interrupted",
            .footer = "Written by mentor evaluate report from ratings.jsonl and similarity.jsonl."};
  page.style = kEvaluationStyle;
  page.body = head_html(evaluation, figures) + headline_html(evaluation, figures) +
              ratings_html(evaluation, figures) + likeness_html(evaluation, figures) +
              (evaluation.is_rated() ? heat_map_html(evaluation) : "") +
              gallery_html(evaluation, input.threads) + failures_html(evaluation) +
              settings_html(evaluation, input);
  return page_html(page);
}

EvaluationFigures write_evaluation_report(const EvaluateConfig& config,
                                          const EvaluationReportInput& input) {
  const Evaluation evaluation = load_evaluation(config);
  require_writable_directory(config.out);
  EvaluationFigures figures = conclude(evaluation, config);
  write_text(config.out / "report.html", report_page(evaluation, figures, input));
  write_text(config.out / "report.md", report_markdown(evaluation, figures));
  write_text(config.out / "summary.json", summary_json(evaluation, figures));
  write_text(config.out / "table.csv", table_csv(figures));
  write_text(config.out / "items.csv", items_csv(evaluation));
  if (figures.has_headline) return figures;
  throw DataError(
      format("{}: {} is rated, too little for CP and PF: run 'mentor evaluate judge' again, or "
             "set evaluate.allow_partial=true. {} lists what is missing",
             config.out, coverage_text(figures.table), config.out / "report.html"));
}

}  // namespace mentor
