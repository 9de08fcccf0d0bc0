#include "ablation_tables.h"

#include "mentor/core/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace mentor {
namespace {

constexpr std::string_view kFullModel = "MENTOR";

double paper_value(const PublishedRow& row, Cell cell) {
  return row.cells[static_cast<size_t>(cell)];
}

double paper_difference(const PublishedRow& row, Cell cell) {
  return paper_value(row, cell) - paper_value(published_ablations().rows.front(), cell);
}

std::string number(double value) { return std::isnan(value) ? "-" : format("{:.3f}", value); }

std::string with_interval(const Estimate& estimate) {
  if (std::isnan(estimate.mean)) return "-";
  return format("{:.3f} [{:.3f}, {:.3f}]", estimate.mean, estimate.low, estimate.high);
}

TextTable main_table(const AblationPlan& plan, const AblationResults& results) {
  TextTable table{
      .title = "Ours beside the paper's",
      .note =
          "Behind each row: whether CP, PF and CP×PF moved from the full model "
          "in the direction that the paper reports; untold CP beside the paper's CP.",
      .header = {"row", "steps", "CP", "untold CP", "PF", "CP×PF", "CP/PF", "paper CP", "paper PF",
                 "paper CP×PF", "paper CP/PF", "sign of CP", "of untold CP", "of PF", "of CP×PF"}};
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    const PublishedRow* paper = published_row(plan.rows[i]);
    std::vector<std::string> cells = {plan.rows[i].name, steps_of(plan, plan.rows[i])};
    for (size_t figure = 0; figure <= kRatioFigure; ++figure) {
      cells.push_back(with_interval(results.rows[i].figures[figure]));
    }
    for (const PaperFigure& figure : kPaperFigures) {
      cells.push_back(paper ? number(paper_value(*paper, figure.cell)) : "");
    }
    cells.push_back(paper ? number(paper_value(*paper, Cell::kCp) / paper_value(*paper, Cell::kPf))
                          : "");
    for (const PaperFigure& figure : kComparedFigures) {
      cells.push_back(agreement_with_paper(plan.rows[i], figure, results.rows[i]));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

TextTable difference_table(const AblationPlan& plan, const AblationResults& results) {
  TextTable table{
      .title = "Differences to the full model",
      .note = "Each seed is compared with itself, on the same cases.",
      .header = {"row", "CP", "untold CP", "PF", "CP×PF", "paper CP", "paper PF", "paper CP×PF"}};
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    const PublishedRow* paper = published_row(plan.rows[i]);
    if (plan.rows[i].paper == kFullModel) continue;
    std::vector<std::string> cells = {plan.rows[i].name};
    for (size_t figure = 0; figure <= kProductFigure; ++figure) {
      cells.push_back(with_interval(results.rows[i].differences[figure]));
    }
    for (const PaperFigure& figure : kPaperFigures) {
      cells.push_back(paper ? format("{:+.3f}", paper_difference(*paper, figure.cell)) : "");
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

TextTable attribute_table(const AblationPlan& plan, const AblationResults& results) {
  TextTable table{.title = "What was right", .note = "Shares of the pictures.", .header = {"row"}};
  for (size_t figure = kRatioFigure + 1; figure < kAblationFigures.size(); ++figure) {
    table.header.emplace_back(kAblationFigures[figure]);
  }
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    std::vector<std::string> cells = {plan.rows[i].name};
    for (size_t figure = kRatioFigure + 1; figure < kAblationFigures.size(); ++figure) {
      cells.push_back(number(results.rows[i].figures[figure].mean));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

TextTable seed_table(const AblationPlan& plan, const AblationResults& results) {
  TextTable table{.title = "Each training by itself",
                  .note = "One value for each seed.",
                  .header = {"row", "CP", "untold CP", "PF", "CP×PF"}};
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    std::vector<std::string> cells = {plan.rows[i].name};
    for (size_t figure = 0; figure <= kProductFigure; ++figure) {
      std::string values;
      for (const double value : results.rows[i].by_seed[figure]) {
        values += (values.empty() ? "" : ", ") + number(value);
      }
      cells.push_back(values);
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

TextTable sweep_table(const std::string& title, const std::string& what,
                      const std::vector<std::pair<double, PlannedRow>>& points,
                      const std::vector<RowEstimates>& estimates) {
  TextTable table{
      .title = title,
      .note = format("Trainings of each point: {}.", points.front().second.drawings.size()),
      .header = {what, "CP", "untold CP", "PF", "CP×PF"}};
  for (size_t i = 0; i < points.size(); ++i) {
    std::vector<std::string> cells = {format("{}", points[i].first)};
    for (size_t figure = 0; figure <= kProductFigure; ++figure) {
      cells.push_back(with_interval(estimates[i].figures[figure]));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

RowScores read_row(const AblationPlan& plan, const PlannedRow& row) {
  RowScores seeds;
  for (const size_t drawing : row.drawings) {
    seeds.push_back(read_picture_scores(plan.scores(plan.drawings[drawing])));
  }
  return seeds;
}

std::vector<RowEstimates> read_sweep(const AblationPlan& plan,
                                     const std::vector<std::pair<double, PlannedRow>>& points) {
  std::vector<RowScores> rows;
  for (const auto& [value, row] : points) rows.push_back(read_row(plan, row));
  return rows.empty() ? std::vector<RowEstimates>() : estimate_rows(rows, 0);
}

/// "12, the paper's 7, the opposite 1, within noise 4". CP itself is not counted: untold CP stands
/// beside the same figure of the paper.
std::string count_signs(const AblationPlan& plan, const AblationResults& results, bool controls) {
  std::array<int64_t, 3> counts{};
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    const PublishedRow* paper = published_row(plan.rows[i]);
    if (paper == nullptr || paper->method == kFullModel || plan.rows[i].is_control != controls) {
      continue;
    }
    for (const PaperFigure& figure : kComparedFigures) {
      if (figure.figure == kCpFigure) continue;
      const Estimate& difference = results.rows[i].differences[figure.figure];
      ++counts.at(
          static_cast<size_t>(agreement(paper_difference(*paper, figure.cell), difference)));
    }
  }
  return format("{}, the paper's {}, the opposite {}, within noise {}",
                counts[0] + counts[1] + counts[2], counts[0], counts[1], counts[2]);
}

/// Which row has the best CP×PF, and what the full model's is told apart from.
std::string name_best(const AblationPlan& plan, const AblationResults& results) {
  size_t best = 0;
  std::string alike;
  for (size_t i = 1; i < plan.rows.size(); ++i) {
    const auto product = [&](size_t row) { return results.rows[row].figures[kProductFigure].mean; };
    if (product(i) > product(best)) best = i;
    const Estimate& difference = results.rows[i].differences[kProductFigure];
    if (agreement(1, difference) == Agreement::kWithinNoise) {
      alike += (alike.empty() ? "" : ", ") + plan.rows[i].name;
    }
  }
  return format(
      "The best CP×PF is that of {}; the paper's is that of the full model. Not told apart from "
      "the "
      "full model's: {}.",
      plan.rows[best].name, alike.empty() ? "none" : alike);
}

}  // namespace

const PublishedRow* published_row(const PlannedRow& row) {
  const std::span<const PublishedRow> rows = published_ablations().rows;
  const auto found = std::ranges::find(rows, std::string_view(row.paper), &PublishedRow::method);
  return found == rows.end() ? nullptr : &*found;
}

std::string steps_of(const AblationPlan& plan, const PlannedRow& row) {
  const PlannedTraining& last = plan.trainings[plan.drawings[row.drawings.front()].training];
  const std::string steps = format("{}", last.run.config.train.steps);
  if (!last.after) return steps;
  return format("{} + {}", plan.trainings[*last.after].run.config.train.steps, steps);
}

std::string agreement_with_paper(const PlannedRow& row, const PaperFigure& figure,
                                 const RowEstimates& estimates) {
  const PublishedRow* paper = published_row(row);
  if (paper == nullptr || paper->method == kFullModel) return "";
  return std::string(name_of(
      agreement(paper_difference(*paper, figure.cell), estimates.differences[figure.figure])));
}

AblationResults read_results(const AblationPlan& plan) {
  std::vector<RowScores> rows;
  for (const PlannedRow& row : plan.rows) rows.push_back(read_row(plan, row));
  std::set<int64_t> identities;
  for (const PictureScore& picture : rows.front().front()) identities.insert(picture.identity);
  return {.rows = estimate_rows(rows, /*reference=*/0),
          .guidance = read_sweep(plan, plan.guidance),
          .dropout = read_sweep(plan, plan.dropout),
          .num_identities = std::ssize(identities)};
}

std::vector<TextTable> ablation_tables(const AblationPlan& plan, const AblationResults& results) {
  std::vector<TextTable> tables = {main_table(plan, results), difference_table(plan, results),
                                   attribute_table(plan, results), seed_table(plan, results)};
  if (!plan.guidance.empty()) {
    tables.push_back(sweep_table("Guidance of the full model", "guidance scale", plan.guidance,
                                 results.guidance));
  }
  if (!plan.dropout.empty()) {
    tables.push_back(sweep_table("Condition dropout of stage 2", "share dropped", plan.dropout,
                                 results.dropout));
  }
  return tables;
}

std::vector<std::string> ablation_findings(const AblationPlan& plan,
                                           const AblationResults& results) {
  return {
      format("Signs of differences to the full model in untold CP, PF and CP×PF: {}; of the rows "
             "with another budget: {}.",
             count_signs(plan, results, /*controls=*/false),
             count_signs(plan, results, /*controls=*/true)),
      name_best(plan, results),
      format("Trainings of each row: {}; held-out cases: {} with {} identities. Intervals: 95 %, "
             "Student's, over seeds and identities. All rows and seeds start from one codec, "
             "vision tower and text-to-image model, whose own chance is in no interval. CP×PF and "
             "CP/PF are those of the means, as in the paper. Untold CP: of what the prompt does "
             "not name.",
             plan.rows.front().drawings.size(), plan.cases.config.toy.records,
             results.num_identities)};
}

std::string markdown(const TextTable& table) {
  std::string text = format("## {}\n\n", table.title);
  if (!table.note.empty()) text += table.note + "\n\n";
  const auto add_row = [&](const std::vector<std::string>& cells) {
    text += "|";
    for (const std::string& cell : cells) text += " " + cell + " |";
    text += "\n";
  };
  add_row(table.header);
  add_row(std::vector<std::string>(table.header.size(), "---"));
  for (const auto& row : table.rows) add_row(row);
  return text + "\n";
}

}  // namespace mentor
