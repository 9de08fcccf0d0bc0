#include "mentor/eval/summary.h"

#include "mentor/core/format.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>

namespace mentor {
namespace {

using json = nlohmann::ordered_json;

/// JSON has no NaN.
json number_json(double value) { return std::isnan(value) ? json() : json(value); }
json number_json(const std::optional<double>& value) {
  return number_json(value.value_or(kNoScore));
}

/// NaN where there is none.
Interval ends(const std::optional<Interval>& interval) {
  return interval.value_or(Interval{kNoScore, kNoScore});
}

json cells_json(const ScoreTable& table) {
  json cells;
  for (size_t i = 0; i < kNumCells; ++i) {
    const CellScore& cell = table.cells[i];
    const Interval interval = ends(cell.interval);
    cells[std::string(key_of(static_cast<Cell>(i)))] = {
        {"value", number_json(cell.value)},
        {"low", number_json(interval.low)},
        {"high", number_json(interval.high)},
        {"run_deviation", number_json(cell.deviation)},
        {"rated", cell.rated},
        {"expected", cell.expected},
        {"lowest_if_missing_are_0", number_json(cell.bounds.low)},
        {"highest_if_missing_are_4", number_json(cell.bounds.high)}};
  }
  return cells;
}

json likeness_json(const LikenessTable& table) {
  const auto groups = [](const LikenessRow& row) {
    json all;
    for (size_t i = 0; i < kNumPictureGroups; ++i) {
      const MeanLikeness& mean = row.groups.at(i);
      const Interval interval = ends(mean.interval);
      all[std::string(key_of(static_cast<PictureGroup>(i)))] = {
          {"value", number_json(mean.value)},
          {"low", number_json(interval.low)},
          {"high", number_json(interval.high)},
          {"pictures", mean.pictures}};
    }
    return all;
  };
  json likeness = json::object();
  for (const MetricLikeness& metric : table.metrics) {
    const Checkpoint& checkpoint = metric.checkpoint;
    likeness[metric.row.key] = {{"checkpoint", checkpoint.name},
                                {"architecture", checkpoint.architecture},
                                {"sha256", checkpoint.sha256},
                                {"dtype", checkpoint.dtype},
                                {"groups", groups(metric.row)}};
  }
  if (table.copies) {
    likeness["copies"] = {{"metric", key_of(table.copies->metric)},
                          {"threshold", table.copies->threshold},
                          {"groups", groups(table.copies->row)}};
  }
  return likeness;
}

std::vector<const LikenessRow*> rows_of(const LikenessTable& table) {
  std::vector<const LikenessRow*> rows;
  for (const MetricLikeness& metric : table.metrics) rows.push_back(&metric.row);
  if (table.copies) rows.push_back(&table.copies->row);
  return rows;
}

/// A field of a CSV file, quoted where it has to be.
std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_number(double value) { return std::isnan(value) ? "" : format("{:.6g}", value); }

std::string markdown_row(const std::vector<std::string>& fields) {
  std::string row = "|";
  for (std::string field : fields) {
    for (size_t at = field.find('|'); at != std::string::npos; at = field.find('|', at + 2)) {
      field.replace(at, 1, "\\|");
    }
    row += " " + field + " |";
  }
  return row + "\n";
}

std::string likeness_number(const std::optional<double>& value) {
  return value ? format("{:.1f}", *value) : std::string("n/a");
}

std::string markdown_likeness(const Evaluation& evaluation, const LikenessTable& table) {
  if (table.metrics.empty()) return "";
  std::vector<std::string> names = {"100 × cosine"};
  for (size_t i = 0; i < kNumPictureGroups; ++i) {
    names.emplace_back(name_of(static_cast<PictureGroup>(i)));
  }
  std::string text = "\n## Likeness, without a judge\n\n" + markdown_row(names) +
                     markdown_row(std::vector<std::string>(names.size(), "---"));
  for (const LikenessRow* row : rows_of(table)) {
    std::vector<std::string> values = {row->name}, intervals = {"95 % interval"};
    for (const MeanLikeness& mean : row->groups) {
      values.push_back(likeness_number(mean.value));
      intervals.push_back(mean.interval
                              ? format("{:.1f} to {:.1f}", mean.interval->low, mean.interval->high)
                              : std::string("n/a"));
    }
    text += markdown_row(values) + markdown_row(intervals);
  }
  text += "\n";
  for (const MetricLikeness& metric : table.metrics) {
    text += format("- {}: {}, {}, {}\n", metric.row.name, metric.checkpoint.name,
                   metric.checkpoint.architecture, metric.checkpoint.dtype);
  }
  if (table.copies) text += format("- Copies, in per cent: {}\n", copy_rule_text(*table.copies));
  for (const PublishedLikenessTable& published : published_likeness()) {
    text += format("\n{} ({}{}{})\n\n", published.title, published.source,
                   published.remark.empty() ? "" : "; ", published.remark) +
            markdown_row({"Method", "DINO-I", "CLIP-I", "CLIP-T"}) +
            markdown_row({"---", "---", "---", "---"});
    for (const PublishedLikeness& row : published.rows) {
      text += markdown_row({std::string(row.method), row.text(row.dino_i), row.text(row.clip_i),
                            row.text(row.clip_t)});
    }
  }
  text += "\n";
  for (const std::string& remark : likeness_remarks(evaluation, table))
    text += "- " + remark + "\n";
  return text;
}

std::vector<std::string> column_names() {
  std::vector<std::string> names = {"Method"};
  for (size_t i = 0; i < kNumCells; ++i) {
    names.emplace_back(name_of(static_cast<Cell>(i)));
  }
  return names;
}

std::string markdown_tables(const Evaluation& evaluation, const EvaluationFigures& figures) {
  const std::vector<std::string> names = column_names();
  const std::string head =
      markdown_row(names) + markdown_row(std::vector<std::string>(names.size(), "---"));
  std::vector<std::string> ours = {evaluation.method}, intervals = {"95 % interval"};
  for (const CellScore& cell : figures.table.cells) {
    ours.push_back(cell_text(cell));
    intervals.push_back(interval_text(cell.interval));
  }
  std::string text = head + markdown_row(ours) + markdown_row(intervals);
  for (const PublishedTable& table : published_tables()) {
    const std::string remark = remark_on(table, figures);
    text += format("\n{} ({}; judge: {}{}{})\n\n{}", table.title, table.source, table.judge,
                   remark.empty() ? "" : "; ", remark, head);
    for (const PublishedRow& row : table.rows) {
      std::vector<std::string> fields = {std::string(row.method)};
      for (size_t i = 0; i < kNumCells; ++i) {
        const std::string deviation = published_deviation(row, static_cast<Cell>(i));
        fields.push_back(published_text(row.cells[i], row.decimals) +
                         (deviation.empty() ? "" : " " + deviation));
      }
      text += markdown_row(fields);
    }
  }
  return text;
}

}  // namespace

EvaluationFigures conclude(const Evaluation& evaluation, const EvaluateConfig& config) {
  const BootstrapOptions options{.draws = config.report.draws,
                                 .seed = static_cast<uint64_t>(config.report.seed)};
  EvaluationFigures figures{
      .table = aggregate(item_scores(evaluation), options),
      .not_comparable = why_not_comparable(evaluation),
      .agreements = agreements(evaluation),
      .checks = judge_checks(config.report, evaluation),
      .likeness = likeness_table(evaluation.similarities, options, copy_thresholds(config.embed),
                                 similarity_file(config.out))};
  if (!evaluation.is_rated()) return figures;
  const bool is_complete = figures.table.coverage() == 1;
  figures.has_headline = is_complete || config.allow_partial;
  if (!is_complete) {
    figures.not_comparable.push_back("not all is rated: " + coverage_text(figures.table));
  }
  for (CellScore& cell : figures.table.cells) {
    if (figures.has_headline) break;
    cell.value.reset();
    cell.interval.reset();
  }
  return figures;
}

std::string cell_text(const CellScore& cell) {
  if (cell.expected == 0) return "n/a";
  return cell.value ? format("{:.3f}", *cell.value) : "-";
}

std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? format("{:.3f} to {:.3f}", interval->low, interval->high) : "n/a";
}

std::string published_text(double value, int decimals) {
  return std::isnan(value) ? "" : format("{:.{}f}", value, decimals);
}

std::string published_deviation(const PublishedRow& row, Cell cell) {
  const double deviation = row.deviation(cell);
  return std::isnan(deviation) ? "" : "± " + published_text(deviation, row.decimals);
}

std::string remark_on(const PublishedTable& table, const EvaluationFigures& figures) {
  std::string remark(table.remark);
  const bool comparable = table.judge.starts_with("gpt-4o") && figures.not_comparable.empty();
  if (!comparable) remark += std::string(remark.empty() ? "" : "; ") + "not comparable";
  return remark;
}

std::string coverage_text(const ScoreTable& table) {
  // 1349 of 1350 are not 100.0 %.
  return format("{:.1f} % ({} of {})", std::floor(1000 * table.coverage()) / 10, table.rated(),
                table.expected());
}

CopyThresholds copy_thresholds(const EmbedConfig& config) {
  return {.dino = config.copy_threshold, .clip_i = config.copy_threshold_clip_i};
}

std::string copy_rule_text(const CopyRate& copies) {
  return format("{} of {} or more", name_of(copies.metric), copies.threshold);
}

std::string likeness_text(const LikenessTable& table) {
  std::string text;
  const auto add = [&text](const LikenessRow& row, const char* unit, const std::string& note) {
    const MeanLikeness& mean = row[PictureGroup::kAll];
    const std::string interval =
        mean.interval ? format("{:.2f} to {:.2f}", mean.interval->low, mean.interval->high) : "n/a";
    text += format("{:<6} {:.2f}{}   95 % interval {}   {}\n", row.name, mean.value.value_or(0),
                   unit, interval, note);
  };
  for (const MetricLikeness& metric : table.metrics) add(metric.row, "", metric.checkpoint.name);
  if (table.copies) add(table.copies->row, " %", copy_rule_text(*table.copies));
  return text;
}

std::vector<std::string> likeness_remarks(const Evaluation& evaluation,
                                          const LikenessTable& table) {
  std::vector<std::string> remarks;
  for (const MetricLikeness& metric : table.metrics) {
    const std::string remark = published_remark(metric);
    if (!remark.empty()) remarks.push_back(format("{}: {}", metric.row.name, remark));
  }
  if (!evaluation.dataset.has_published_size()) {
    remarks.push_back("not comparable: another data set than DreamBench++");
  }
  return remarks;
}

std::string summary_json(const Evaluation& evaluation, const EvaluationFigures& figures) {
  json agreed = json::array(), checks = json::array();
  for (const Agreement& agreement : figures.agreements) {
    agreed.push_back({{"between", agreement.between},
                      {"task", task_name(agreement.task)},
                      {"items", agreement.items},
                      {"krippendorff_alpha", number_json(agreement.alpha)},
                      {"pearson", number_json(agreement.pearson)}});
  }
  for (const JudgeCheck& check : figures.checks) {
    checks.push_back({{"of", check.name},
                      {"expected", check.expected},
                      {"coverage", check.table.coverage()},
                      {"cp", number_json(check.table[Cell::kCp].value)},
                      {"pf", number_json(check.table[Cell::kPf].value)}});
  }
  std::map<std::string, int64_t> without_score;
  for (const auto& [key, attempt] : evaluation.ratings) {
    if (!attempt.score) ++without_score[std::string(status_name(attempt.status))];
  }
  const JudgeIdentity& judge = evaluation.judge;
  const json summary = {{"method", evaluation.method},
                        {"subjects", figures.table.subjects},
                        {"runs", evaluation.runs},
                        {"coverage", figures.table.coverage()},
                        {"has_headline", figures.has_headline},
                        {"not_comparable_with_published", figures.not_comparable},
                        {"judge",
                         {{"model", judge.model},
                          {"host", judge.host},
                          {"parameters", judge.parameters},
                          {"rubric", judge.rubric}}},
                        {"cells", cells_json(figures.table)},
                        {"agreement", agreed},
                        {"checks", checks},
                        {"likeness", likeness_json(figures.likeness)},
                        {"without_score", without_score}};
  return summary.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string table_csv(const EvaluationFigures& figures) {
  std::string text = "cell,value,low,high,run_deviation,rated,expected,lowest,highest\n";
  for (size_t i = 0; i < kNumCells; ++i) {
    const CellScore& cell = figures.table.cells[i];
    const Interval interval = ends(cell.interval);
    text +=
        format("{},{},{},{},{},{},{},{},{}\n", key_of(static_cast<Cell>(i)),
               csv_number(cell.value.value_or(kNoScore)), csv_number(interval.low),
               csv_number(interval.high), csv_number(cell.deviation.value_or(kNoScore)), cell.rated,
               cell.expected, csv_number(cell.bounds.low), csv_number(cell.bounds.high));
  }
  for (const LikenessRow* row : rows_of(figures.likeness)) {
    for (size_t i = 0; i < kNumPictureGroups; ++i) {
      const MeanLikeness& mean = row->groups.at(i);
      const Interval interval = ends(mean.interval);
      text += format("{}_{},{},{},{},,{},,,\n", row->key, key_of(static_cast<PictureGroup>(i)),
                     csv_number(mean.value.value_or(kNoScore)), csv_number(interval.low),
                     csv_number(interval.high), mean.pictures);
    }
  }
  return text;
}

std::string items_csv(const Evaluation& evaluation) {
  std::string text = "category,index,subject,prompt,sample,caption,task,run,status,score\n";
  std::map<ItemKey, std::string_view> captions;  // as the judge got them
  for (const SampleFiles& files : evaluation.samples) {
    if (!files.caption.empty()) captions.emplace(files.key, files.caption);
  }
  for (const auto& [key, score] : item_scores(evaluation)) {
    const Subject& subject = *evaluation.dataset.find(key.item.subject);
    captions.emplace(key.item, subject.prompts.at(static_cast<size_t>(key.item.prompt)));
    const auto found = evaluation.ratings.find(key);
    const std::string_view status =
        found == evaluation.ratings.end() ? "missing" : status_name(found->second.status);
    text += format("{},{},{},{},{},{},{},{},{},{}\n", category_name(subject.key.category),
                   subject.key.index, csv_field(subject.name), key.item.prompt, key.item.sample,
                   csv_field(captions.at(key.item)), task_name(key.task), key.run, status,
                   score ? format("{}", *score) : std::string());
  }
  return text;
}

std::string report_markdown(const Evaluation& evaluation, const EvaluationFigures& figures) {
  if (!evaluation.is_rated()) {
    return format("# {}\n\n{} subjects; nobody has rated the pictures yet\n", evaluation.method,
                  evaluation.dataset.subjects.size()) +
           markdown_likeness(evaluation, figures.likeness);
  }
  std::string text =
      format("# {}\n\n{} subjects, judged by {} in {} {}; rated: {}\n\n", evaluation.method,
             figures.table.subjects, evaluation.judge.model, evaluation.runs,
             evaluation.runs == 1 ? "run" : "runs", coverage_text(figures.table));
  if (!figures.not_comparable.empty()) {
    text += "**Not comparable with the published figures:**\n\n";
    for (const std::string& reason : figures.not_comparable) text += "- " + reason + "\n";
    text += "\n";
  }
  text += markdown_tables(evaluation, figures);
  return text + markdown_likeness(evaluation, figures.likeness);
}

}  // namespace mentor
