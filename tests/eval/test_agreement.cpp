#include "mentor/eval/agreement.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace mentor {
namespace {

using Units = std::vector<std::vector<double>>;

TEST(Agreement, AlphaOfThePublishedExample) {
  // Krippendorff's four observers of twelve units; 0: missing.
  constexpr std::array<std::array<double, 12>, 4> kObservers = {{
      {1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0},
      {1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3},
      {0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0},
      {1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0},
  }};
  Units units(12);
  for (const auto& observer : kObservers) {
    for (size_t u = 0; u < units.size(); ++u) {
      if (observer[u] > 0) units[u].push_back(observer[u]);
    }
  }
  EXPECT_NEAR(krippendorff_alpha(units).value(), 0.849, 5e-4);
}

TEST(Agreement, AlphaOfSmallCases) {
  const struct {
    Units units;
    double alpha;
  } cases[] = {
      {{{0, 0}, {4, 4}}, 1},
      {{{0, 4}, {4, 0}}, -0.5},                          // Do = 16, De = 32 / 3
      {{{0, 0}, {4, 4}, {9}}, 1},                        // a lone value pairs with nothing
      {{{1, 2}, {3, 3}}, 1 - 0.5 / 1.8333333333333333},  // De = 2 (4*23 - 81) / 12
  };
  for (const auto& [units, alpha] : cases) {
    EXPECT_NEAR(krippendorff_alpha(units).value(), alpha, 1e-12);
  }
  EXPECT_FALSE(krippendorff_alpha(Units{}));
  EXPECT_FALSE(krippendorff_alpha(Units{{1}, {2}}));
  EXPECT_FALSE(krippendorff_alpha(Units{{3, 3}, {3, 3}})) << "nothing varies: nothing to explain";
}

TEST(Agreement, Pearson) {
  const std::vector<double> x = {1, 2, 3, 4}, y = {2, 1, 4, 3};
  EXPECT_NEAR(pearson(x, y).value(), 0.6, 1e-12);
  EXPECT_NEAR(pearson(x, std::vector<double>{8, 6, 4, 2}).value(), -1, 1e-12);
  EXPECT_FALSE(pearson(x, std::vector<double>{5, 5, 5, 5}));
  EXPECT_FALSE(pearson(std::vector<double>{1}, std::vector<double>{2}));
}

}  // namespace
}  // namespace mentor
