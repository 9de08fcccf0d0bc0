#include "toy_score_table.h"

#include "mentor/core/format.h"
#include "mentor/eval/bootstrap.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <utility>

namespace mentor {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// One figure of a picture; NaN where it does not apply.
struct Figure {
  std::string name;
  std::function<double(const ToyScore&, const ToyCase&)> of;
};

std::vector<Figure> figures() {
  std::vector<Figure> all = {
      {"CP", [](auto& score, auto&) { return score.cp; }},
      {"PF", [](auto& score, auto&) { return score.pf; }},
      {"CP*PF", [](auto& score, auto&) { return score.cp * score.pf; }},
      {"untold CP",
       [](auto& score, auto& of) { return untold_cp(score, of.named).value_or(kNone); }},
      {"all right", [](auto& score, auto&) { return score.cp * score.pf > 1 - 1e-9 ? 1.0 : 0.0; }}};
  for (size_t i = 0; i < kNumToyAttributes; ++i) {
    const auto attribute = static_cast<ToyAttribute>(i);
    all.push_back({std::string(name_of(attribute)),
                   [attribute](auto& score, auto&) { return score[attribute]; }});
  }
  return all;
}

struct Sum {
  double sum = 0, count = 0;

  void add(double value) {
    if (std::isnan(value)) return;
    sum += value;
    ++count;
  }
  void add(const Sum& other, int times) {
    sum += times * other.sum;
    count += times * other.count;
  }
  [[nodiscard]] double mean() const { return count > 0 ? sum / count : kNone; }
};

/// The middle 95 % of the mean when identities are drawn again, with replacement: pictures of one
/// identity are right and wrong together.
Interval interval(const std::map<int, Sum>& by_identity) {
  std::vector<Sum> sums;
  for (const auto& [number, sum] : by_identity) sums.push_back(sum);
  std::vector<double> means;
  draw_subjects(std::vector<int>(sums.size()), {.draws = 2000}, [&](std::span<const int> times) {
    Sum drawn;
    for (size_t i = 0; i < sums.size(); ++i) drawn.add(sums[i], times[i]);
    means.push_back(drawn.mean());
  });
  return middle_95(std::move(means)).value_or(Interval{kNone, kNone});
}

/// What perfect pictures of the other records would reach.
double chance_of(const Figure& figure, const std::vector<const ToyCase*>& cases) {
  constexpr size_t kMostOthers = 64;  // for each record
  Sum all;
  for (size_t away = 1; away < std::min(cases.size(), kMostOthers + 1); ++away) {
    for (size_t i = 0; i < cases.size(); ++i) {
      const ToyCase& one = *cases[i];
      const ToyCase& other = *cases[(i + away) % cases.size()];
      const ToyReading picture = ideal_reading(other.asked), truth = ideal_reading(one.asked);
      all.add(figure.of(score(picture, one, truth), one));
    }
  }
  return all.mean();
}

/// JSON has no NaN.
nlohmann::ordered_json json_number(double value) {
  return std::isnan(value) ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
}

}  // namespace

std::string share_text(double value) { return std::isnan(value) ? "-" : format("{:.3f}", value); }

ToyScoreTable::ToyScoreTable(const std::vector<ScoredPicture>& pictures) : pictures_(pictures) {
  std::vector<const ToyCase*> cases;
  for (const ScoredPicture& picture : pictures) {
    if (cases.empty() || cases.back() != picture.of) cases.push_back(picture.of);
  }
  for (const Figure& figure : figures()) {
    Sum all;
    std::map<int, Sum> by_identity;
    for (const ScoredPicture& picture : pictures) {
      const double value = figure.of(picture.score, *picture.of);
      all.add(value);
      by_identity[number_of(picture.of->asked.subject)].add(value);
    }
    num_identities_ = std::ssize(by_identity);
    if (all.count == 0) continue;
    const auto [low, high] = interval(by_identity);
    rows_.push_back({figure.name, all.mean(), low, high, chance_of(figure, cases)});
  }
  const auto chance = [&](ToyAttribute attribute) {
    return std::ranges::find(rows_, name_of(attribute), &ToyScoreRow::name)->chance;
  };
  right_shape_chance_ = (chance(ToyAttribute::kFirst) + chance(ToyAttribute::kSecond) +
                         chance(ToyAttribute::kPattern)) /
                        3;
}

std::string ToyScoreTable::text() const {
  std::string text =
      format("{} pictures of {} x {} pixels, {} identities\n\n{:<14} {:>6} {:>15} {:>8}\n",
             pictures_.size(), pictures_.front().size, pictures_.front().size, num_identities_, "",
             "mean", "95 % interval", "chance");
  for (const ToyScoreRow& row : rows_) {
    text += format("{:<14} {:>6} {:>15} {:>8}\n", row.name, share_text(row.mean),
                   format("{} - {}", share_text(row.low), share_text(row.high)),
                   share_text(row.chance));
  }
  return text + "\n" + notes() + "\n";
}

std::string ToyScoreTable::notes() const {
  std::string text = "chance: what perfect pictures of other records reach";
  if (!std::isnan(right_shape_chance_)) {
    text += format("; CP of the right shape with a guess at the rest: {:.3f}", right_shape_chance_);
  }
  const bool has_untold = std::ranges::find(rows_, "untold CP", &ToyScoreRow::name) != rows_.end();
  if (has_untold) text += "\nuntold CP: of the subject's attributes that the prompt does not name";
  return text;
}

std::string ToyScoreTable::json() const {
  using json = nlohmann::ordered_json;
  json scores, pictures = json::array();
  for (const ToyScoreRow& row : rows_) {
    scores[row.name] = {{"mean", json_number(row.mean)},
                        {"low", json_number(row.low)},
                        {"high", json_number(row.high)},
                        {"chance", json_number(row.chance)}};
  }
  for (const ScoredPicture& picture : pictures_) {
    json one = {{"file", picture.file.filename().string()},
                {"record", picture.of->number},
                {"identity", number_of(picture.of->asked.subject)}};
    for (const Figure& figure : figures()) {
      one[figure.name] = json_number(figure.of(picture.score, *picture.of));
    }
    pictures.push_back(one);
  }
  return json{{"identities", num_identities_},
              {"size", pictures_.front().size},
              {"right_shape_chance", json_number(right_shape_chance_)},
              {"scores", scores},
              {"pictures", pictures}}
             .dump(2) +
         "\n";
}

}  // namespace mentor
