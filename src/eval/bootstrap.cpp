#include "mentor/eval/bootstrap.h"

#include "mentor/core/random.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace mentor {
namespace {

/// Of sorted values, between neighbours in proportion.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const double above = sorted[std::min(below + 1, sorted.size() - 1)];
  return sorted[below] + (place - std::floor(place)) * (above - sorted[below]);
}

}  // namespace

void draw_subjects(std::span<const int> stratum, const BootstrapOptions& options,
                   const std::function<void(std::span<const int>)>& use) {
  std::map<int, std::vector<size_t>> members;
  for (size_t i = 0; i < stratum.size(); ++i) members[stratum[i]].push_back(i);
  constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15ULL;  // SplitMix64
  uint64_t state = stream_seed(options.seed, "bootstrap");
  std::vector<int> times(stratum.size());
  for (int64_t draw = 0; draw < options.draws; ++draw) {
    std::ranges::fill(times, 0);
    for (const auto& [name, subjects] : members) {
      const auto count = static_cast<double>(subjects.size());
      for (size_t i = 0; i < subjects.size(); ++i) {
        const double share = unit_interval(mix64(state += kGoldenGamma));
        ++times[subjects[static_cast<size_t>(share * count)]];
      }
    }
    use(times);
  }
}

std::optional<Interval> middle_95(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return Interval{quantile(values, 0.025), quantile(values, 0.975)};
}

}  // namespace mentor
