#include "mentor/app/ablation_scores.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/bootstrap.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <span>

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
  using Means = std::vector<std::array<double, kNumFigures>>;  // by row
  size_t num_identities = 0;
  const std::vector<RowSums> sums = sum_up(rows, num_identities);
  const size_t num_seeds = rows.at(reference).size();
  const auto means_with = [&](std::span<const int> times) {
    Means means;
    for (const RowSums& row : sums) {
      means.push_back(weighted_means(row, times.first(num_seeds), times.subspan(num_seeds)));
    }
    return means;
  };
  std::vector<int> stratum(num_seeds, 0);
  stratum.resize(num_seeds + num_identities, 1);
  std::vector<Means> draws;
  draw_subjects(stratum, {.draws = 2000},
                [&](std::span<const int> times) { draws.push_back(means_with(times)); });
  const Means means = means_with(std::vector<int>(stratum.size(), 1));
  const auto estimate = [&](const auto& value_in) {
    std::vector<double> values;
    for (const Means& draw : draws) values.push_back(value_in(draw));
    const Interval middle = middle_95(std::move(values)).value_or(Interval{kNone, kNone});
    return Estimate{.mean = value_in(means), .low = middle.low, .high = middle.high};
  };
  std::vector<RowEstimates> estimates(rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 0; i < kNumFigures; ++i) {
      estimates[row].figures[i] = estimate([&](const Means& of) { return of[row][i]; });
      estimates[row].differences[i] =
          estimate([&](const Means& of) { return of[row][i] - of[reference][i]; });
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
