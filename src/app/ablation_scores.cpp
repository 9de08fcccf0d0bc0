#include "mentor/app/ablation_scores.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/bootstrap.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <utility>

namespace mentor {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kNumFigures = kAblationFigures.size();

struct Sums {
  std::array<double, kNumFigures> sum{}, count{};

  void add(const PictureScore& picture) {
    for (size_t i = 0; i < kNumFigures; ++i) {
      if (std::isnan(picture.figures[i])) continue;
      sum[i] += picture.figures[i];
      ++count[i];
    }
  }
  void add(const Sums& other, double times) {
    for (size_t i = 0; i < kNumFigures; ++i) {
      sum[i] += times * other.sum[i];
      count[i] += times * other.count[i];
    }
  }
  [[nodiscard]] std::array<double, kNumFigures> means() const {
    std::array<double, kNumFigures> means{};
    for (size_t i = 0; i < kNumFigures; ++i) means[i] = count[i] > 0 ? sum[i] / count[i] : kNone;
    means[kProductFigure] = means[kCpFigure] * means[kPfFigure];
    means[kRatioFigure] = means[kPfFigure] > 0 ? means[kCpFigure] / means[kPfFigure] : kNone;
    return means;
  }
};

/// Of one row: sums[seed][identity], identities by their place among all.
using RowSums = std::vector<std::vector<Sums>>;

std::vector<RowSums> sum_up(const std::vector<RowScores>& rows, size_t& num_identities) {
  std::map<int64_t, size_t> places;
  for (const RowScores& row : rows) {
    for (const auto& seed : row) {
      for (const PictureScore& picture : seed) places.emplace(picture.identity, places.size());
    }
  }
  num_identities = places.size();
  std::vector<RowSums> sums;
  for (const RowScores& row : rows) {
    sums.emplace_back(row.size(), std::vector<Sums>(num_identities));
    for (size_t seed = 0; seed < row.size(); ++seed) {
      for (const PictureScore& picture : row[seed]) {
        sums.back()[seed][places.at(picture.identity)].add(picture);
      }
    }
  }
  return sums;
}

std::array<double, kNumFigures> weighted_means(const RowSums& row, std::span<const int> seeds,
                                               std::span<const int> identities) {
  Sums all;
  for (size_t seed = 0; seed < seeds.size(); ++seed) {
    for (size_t i = 0; i < identities.size(); ++i) {
      const int times = seeds[seed] * identities[i];
      if (times > 0) all.add(row.at(seed)[i], times);
    }
  }
  return all.means();
}

using RowMeans = std::vector<std::array<double, kNumFigures>>;  // by row

/// What all rows come to: with everything, with each seed alone, with identities drawn again.
struct Sampled {
  RowMeans means;
  std::vector<RowMeans> by_seed, by_draw;
  size_t num_identities = 0;
};

template <class ValueIn>
std::vector<double> values_of(const std::vector<RowMeans>& samples, const ValueIn& value_in) {
  std::vector<double> values;
  for (const RowMeans& sample : samples) values.push_back(value_in(sample));
  return values;
}

/// Of a sample, without its NaN; 0 where there are not two of them.
double sample_variance(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.size() < 2) return 0;
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / (count - 1);
}

/// Student's t with so many degrees of freedom below which 97.5 % lie. Between the values of a
/// table it is taken as linear in the inverse of the degrees, which is at most 3 % too much.
double student_97_5(double degrees) {
  constexpr std::array<std::pair<double, double>, 13> kTable = {{{1, 12.706},
                                                                 {2, 4.303},
                                                                 {3, 3.182},
                                                                 {4, 2.776},
                                                                 {5, 2.571},
                                                                 {6, 2.447},
                                                                 {8, 2.306},
                                                                 {10, 2.228},
                                                                 {15, 2.131},
                                                                 {20, 2.086},
                                                                 {40, 2.021},
                                                                 {120, 1.980},
                                                                 {1e9, 1.960}}};
  degrees = std::clamp(degrees, kTable.front().first, kTable.back().first);
  size_t above = 1;
  while (kTable[above].first < degrees) ++above;
  const auto [low, t_low] = kTable[above - 1];
  const auto [high, t_high] = kTable[above];
  const double share = (1 / low - 1 / degrees) / (1 / low - 1 / high);
  return t_low + share * (t_high - t_low);
}

/// Seeds and identities are two samples, a few trainings and many subjects: their variances of the
/// mean add up, with the degrees of freedom of Satterthwaite. (Seeds drawn again, as identities
/// are, would never leave the least and the greatest of three: an interval that holds the truth in
/// three cases of four.)
template <class ValueIn>
Estimate estimate(const Sampled& sampled, const ValueIn& value_in) {
  const auto num_seeds = static_cast<double>(sampled.by_seed.size());
  const double mean = value_in(sampled.means);
  const double of_seeds = sample_variance(values_of(sampled.by_seed, value_in)) / num_seeds;
  const double of_identities = sample_variance(values_of(sampled.by_draw, value_in));
  const double variance = of_seeds + of_identities;
  if (!(variance > 0)) return {.mean = mean, .low = mean, .high = mean};
  const auto share = [](double part, double degrees) {
    return degrees > 0 ? part * part / degrees : 0;
  };
  const double degrees = variance * variance /
                         (share(of_seeds, num_seeds - 1) +
                          share(of_identities, static_cast<double>(sampled.num_identities) - 1));
  const double half = student_97_5(degrees) * std::sqrt(variance);
  return {.mean = mean, .low = mean - half, .high = mean + half};
}

}  // namespace

std::vector<PictureScore> read_picture_scores(const fs::path& file) {
  std::vector<PictureScore> pictures;
  try {
    const auto scores = nlohmann::json::parse(read_text(file));
    for (const nlohmann::json& one : scores.at("pictures")) {
      PictureScore picture{.identity = one.at("identity")};
      for (size_t i = 0; i < kNumFigures; ++i) {
        if (i == kProductFigure || i == kRatioFigure) continue;
        const nlohmann::json& value = one.at(std::string(kAblationFigures[i]));
        picture.figures[i] = value.is_null() ? kNone : value.get<double>();
      }
      pictures.push_back(picture);
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError(
        format("{}: holds no scores ({}): delete it, and they are made again", file, error.what()));
  }
  return pictures;
}

std::vector<RowEstimates> estimate_rows(const std::vector<RowScores>& rows, size_t reference) {
  size_t num_identities = 0;
  const std::vector<RowSums> sums = sum_up(rows, num_identities);
  const size_t num_seeds = rows.at(reference).size();
  const std::vector<int> every_seed(num_seeds, 1), every_identity(num_identities, 1);
  const auto means_of = [&](std::span<const int> seeds, std::span<const int> identities) {
    RowMeans means;
    for (const RowSums& row : sums) means.push_back(weighted_means(row, seeds, identities));
    return means;
  };
  Sampled sampled{.means = means_of(every_seed, every_identity), .num_identities = num_identities};
  for (size_t seed = 0; seed < num_seeds; ++seed) {
    std::vector<int> alone(num_seeds, 0);
    alone[seed] = 1;
    sampled.by_seed.push_back(means_of(alone, every_identity));
  }
  draw_subjects(
      std::vector<int>(num_identities, 0), {.draws = 2000},
      [&](std::span<const int> times) { sampled.by_draw.push_back(means_of(every_seed, times)); });
  std::vector<RowEstimates> estimates(rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 0; i < kNumFigures; ++i) {
      const auto figure = [&](const RowMeans& of) { return of[row][i]; };
      const auto difference = [&](const RowMeans& of) { return of[row][i] - of[reference][i]; };
      estimates[row].figures[i] = estimate(sampled, figure);
      estimates[row].differences[i] = estimate(sampled, difference);
      estimates[row].by_seed[i] = values_of(sampled.by_seed, figure);
    }
  }
  return estimates;
}

Agreement agreement(double paper_difference, const Estimate& difference) {
  if (!(difference.low > 0 || difference.high < 0)) return Agreement::kWithinNoise;
  return (difference.mean > 0) == (paper_difference > 0) ? Agreement::kYes : Agreement::kNo;
}

std::string_view name_of(Agreement agreement) {
  constexpr std::array<std::string_view, 3> kNames = {"yes", "no", "within noise"};
  return kNames.at(static_cast<size_t>(agreement));
}

}  // namespace mentor
