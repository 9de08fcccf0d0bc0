#include "mentor/eval/scores.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

namespace mentor {
namespace {

constexpr double kMostPoints = 4;
constexpr size_t kNumMeans = kNumCells - 2;  // all but the product and the quotient
constexpr Cell kOfBoth[] = {Cell::kProduct, Cell::kRatio};

constexpr size_t at(Cell cell) { return static_cast<size_t>(cell); }

/// The two cells an item counts in.
std::array<Cell, 2> cells_of(const RatingKey& key) {
  if (key.task == RatingTask::kCp) {
    constexpr std::array kCells = {Cell::kAnimal, Cell::kHuman, Cell::kObject, Cell::kStyle};
    return {kCells.at(static_cast<size_t>(key.item.subject.category)), Cell::kCp};
  }
  constexpr std::array kCells = {Cell::kPhotorealistic, Cell::kPromptStyle, Cell::kImaginative};
  return {kCells.at(static_cast<size_t>(prompt_group(key.item.prompt))), Cell::kPf};
}

/// Of the items of one cell in one run.
struct Sum {
  double points = 0, rated = 0, expected = 0;

  void add(const Sum& other, double times) {
    points += times * other.points;
    rated += times * other.rated;
    expected += times * other.expected;
  }
  [[nodiscard]] double mean() const { return rated > 0 ? points / rated / kMostPoints : kNoScore; }
  /// Were each missing item worth `points_of_missing`.
  [[nodiscard]] double bound(double points_of_missing) const {
    if (expected == 0) return kNoScore;
    return (points + (expected - rated) * points_of_missing) / expected / kMostPoints;
  }
};

/// What a draw adds up: one row of sums per subject, over runs and cells. 10,000 draws of 150
/// subjects are cheap where 10,000 of 1,350 items are not.
class SubjectSums {
 public:
  explicit SubjectSums(std::span<const ItemScore> items) {
    for (const auto& [key, score] : items) {
      rows_[key.item.subject];
      runs_ = std::max(runs_, static_cast<size_t>(key.run) + 1);
    }
    for (auto& [subject, sums] : rows_) sums.resize(runs_ * kNumMeans);
    for (const auto& [key, score] : items) {
      std::vector<Sum>& sums = rows_[key.item.subject];
      const Sum one = {static_cast<double>(score.value_or(0)), score ? 1.0 : 0.0, 1};
      for (const Cell cell : cells_of(key)) {
        sums[static_cast<size_t>(key.run) * kNumMeans + at(cell)].add(one, 1);
      }
    }
  }

  [[nodiscard]] size_t runs() const { return runs_; }
  [[nodiscard]] const std::map<SubjectKey, std::vector<Sum>>& rows() const { return rows_; }
  [[nodiscard]] std::vector<int> strata() const {
    std::vector<int> strata;
    for (const auto& [key, sums] : rows_) strata.push_back(static_cast<int>(key.category));
    return strata;
  }
  /// Over all subjects, each `times` often; without `times`: each once.
  [[nodiscard]] std::vector<Sum> total(std::span<const int> times = {}) const {
    std::vector<Sum> total(runs_ * kNumMeans);
    size_t subject = 0;
    for (const auto& [key, sums] : rows_) {
      const int often = times.empty() ? 1 : times[subject++];
      if (often == 0) continue;
      for (size_t i = 0; i < sums.size(); ++i) total[i].add(sums[i], often);
    }
    return total;
  }

 private:
  size_t runs_ = 0;
  std::map<SubjectKey, std::vector<Sum>> rows_;
};

/// The mean over runs that `value` has; what follows from two means is left to the caller.
template <class Value>
Cells mean_over_runs(const std::vector<Sum>& total, Value value) {
  Cells cells;
  cells.fill(kNoScore);
  for (size_t cell = 0; cell < kNumMeans; ++cell) {
    double sum = 0, count = 0;
    for (size_t i = cell; i < total.size(); i += kNumMeans) {
      const double one = value(total[i]);
      if (std::isnan(one)) continue;
      sum += one;
      ++count;
    }
    if (count > 0) cells[cell] = sum / count;
  }
  return cells;
}

Cells with_both(Cells cells) {
  const double cp = cells[at(Cell::kCp)], pf = cells[at(Cell::kPf)];
  cells[at(Cell::kProduct)] = cp * pf;
  cells[at(Cell::kRatio)] = pf > 0 ? cp / pf : kNoScore;
  return cells;
}

Cells unrounded_cells(const std::vector<Sum>& total) {
  return with_both(mean_over_runs(total, [](const Sum& sum) { return sum.mean(); }));
}

/// Of each cell, were what is missing 0, or 4.
std::array<Interval, kNumCells> bounds_of(const std::vector<Sum>& total) {
  const Cells worst = with_both(mean_over_runs(total, [](auto& sum) { return sum.bound(0); }));
  const Cells best =
      with_both(mean_over_runs(total, [](auto& sum) { return sum.bound(kMostPoints); }));
  std::array<Interval, kNumCells> bounds;
  for (size_t i = 0; i < kNumCells; ++i) bounds[i] = {worst[i], best[i]};
  constexpr size_t cp = at(Cell::kCp), pf = at(Cell::kPf);  // a quotient rises as PF falls
  bounds[at(Cell::kRatio)] = {worst[cp] / best[pf], best[cp] / worst[pf]};
  return bounds;
}

/// As Python rounds: by the number's exact binary value.
double rounded(double value) { return std::stod(format("{:.3f}", value)); }

/// As the official tables: product and quotient are those of rounded means.
Cells rounded_cells(const std::vector<Sum>& total) {
  Cells cells = mean_over_runs(total, [](const Sum& sum) { return sum.mean(); });
  for (double& cell : cells) cell = rounded(cell);
  return with_both(cells);
}

std::optional<double> present(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

std::optional<double> deviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (n < 2) return std::nullopt;
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / (n - 1));
}

/// Subjects that have anything in a cell.
std::array<int64_t, kNumCells> count_subjects(const SubjectSums& sums) {
  std::array<int64_t, kNumCells> counts{};
  for (const auto& [key, row] : sums.rows()) {
    const auto has = [&](size_t cell) {
      for (size_t i = cell; i < row.size(); i += kNumMeans) {
        if (row[i].rated > 0) return true;
      }
      return false;
    };
    for (size_t cell = 0; cell < kNumMeans; ++cell) counts[cell] += has(cell) ? 1 : 0;
  }
  for (const Cell cell : kOfBoth) {
    counts[at(cell)] = std::min(counts[at(Cell::kCp)], counts[at(Cell::kPf)]);
  }
  return counts;
}

std::optional<Interval> interval_of(std::vector<double> drawn, int64_t subjects) {
  return subjects < 2 ? std::nullopt : middle_95(std::move(drawn));
}

using DrawnCells = std::array<std::vector<double>, kNumCells>;

void keep(DrawnCells& drawn, const Cells& cells) {
  for (size_t i = 0; i < kNumCells; ++i) drawn[i].push_back(cells[i]);
}

DrawnCells draw(const SubjectSums& sums, const BootstrapOptions& options) {
  DrawnCells drawn;
  draw_subjects(sums.strata(), options, [&](std::span<const int> times) {
    keep(drawn, unrounded_cells(sums.total(times)));
  });
  return drawn;
}

/// Cells of each run alone, those of runs without ratings left out.
DrawnCells by_run(const std::vector<Sum>& total) {
  DrawnCells runs;
  for (auto begin = total.begin(); begin != total.end(); begin += kNumMeans) {
    const Cells cells = unrounded_cells(std::vector<Sum>(begin, begin + kNumMeans));
    for (size_t i = 0; i < kNumCells; ++i) {
      if (!std::isnan(cells[i])) runs[i].push_back(cells[i]);
    }
  }
  return runs;
}

}  // namespace

std::string_view name_of(Cell cell) {
  constexpr std::array<std::string_view, kNumCells> kNames = {
      "Animal", "Human",       "Object", "Style", "CP",   "Photorealistic",
      "Style",  "Imaginative", "PF",     "CP·PF", "CP/PF"};
  return kNames.at(at(cell));
}

std::string_view key_of(Cell cell) {
  constexpr std::array<std::string_view, kNumCells> kKeys = {
      "animal",       "human",       "object", "style", "cp",        "photorealistic",
      "prompt_style", "imaginative", "pf",     "cp_pf", "cp_over_pf"};
  return kKeys.at(at(cell));
}

int64_t ScoreTable::rated() const { return (*this)[Cell::kCp].rated + (*this)[Cell::kPf].rated; }

int64_t ScoreTable::expected() const {
  return (*this)[Cell::kCp].expected + (*this)[Cell::kPf].expected;
}

double ScoreTable::coverage() const {
  return expected() > 0 ? static_cast<double>(rated()) / static_cast<double>(expected()) : 0;
}

ScoreTable aggregate(std::span<const ItemScore> items, const BootstrapOptions& options) {
  const SubjectSums sums(items);
  const std::vector<Sum> total = sums.total();
  const Cells values = rounded_cells(total);
  const auto bounds = bounds_of(total);
  const DrawnCells drawn = draw(sums, options), runs = by_run(total);
  const auto subjects = count_subjects(sums);

  ScoreTable table{
      .cells = {}, .runs = static_cast<int64_t>(sums.runs()), .subjects = std::ssize(sums.rows())};
  for (size_t i = 0; i < kNumCells; ++i) {
    CellScore& cell = table.cells[i];
    cell = {.value = present(values[i]),
            .interval = interval_of(drawn[i], subjects[i]),
            .deviation = deviation(runs[i]),
            .bounds = bounds[i]};
    for (size_t sum = i; i < kNumMeans && sum < total.size(); sum += kNumMeans) {
      cell.rated += static_cast<int64_t>(total[sum].rated);
      cell.expected += static_cast<int64_t>(total[sum].expected);
    }
  }
  if (table[Cell::kCp].expected > 0 && table[Cell::kPf].expected > 0) {
    for (const Cell cell : kOfBoth) {
      table.cells[at(cell)].rated = table.rated();
      table.cells[at(cell)].expected = table.expected();
    }
  }
  return table;
}

namespace {

void require_subjects(const SubjectSums& one, const SubjectSums& other, std::string_view which) {
  for (const auto& [key, sums] : one.rows()) {
    if (other.rows().contains(key)) continue;
    throw DataError(
        format("subject {} {:02d} belongs to the {} method only: compare methods over the same "
               "subjects",
               category_name(key.category), key.index, which));
  }
}

}  // namespace

std::array<CellDifference, kNumCells> compare(std::span<const ItemScore> first,
                                              std::span<const ItemScore> second,
                                              const BootstrapOptions& options) {
  const SubjectSums a(first), b(second);
  require_subjects(a, b, "first");
  require_subjects(b, a, "second");
  DrawnCells drawn;
  draw_subjects(a.strata(), options, [&](std::span<const int> times) {
    Cells difference = unrounded_cells(b.total(times));
    const Cells subtracted = unrounded_cells(a.total(times));
    for (size_t i = 0; i < kNumCells; ++i) difference[i] -= subtracted[i];
    keep(drawn, difference);
  });
  const Cells of_a = rounded_cells(a.total()), of_b = rounded_cells(b.total());
  const auto subjects_a = count_subjects(a), subjects_b = count_subjects(b);
  std::array<CellDifference, kNumCells> cells;
  for (size_t i = 0; i < kNumCells; ++i) {
    cells[i] = {.first = present(of_a[i]),
                .second = present(of_b[i]),
                .difference = present(of_b[i] - of_a[i]),
                .interval = interval_of(drawn[i], std::min(subjects_a[i], subjects_b[i]))};
  }
  return cells;
}

}  // namespace mentor
