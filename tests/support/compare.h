#pragma once

#include "mentor/core/format.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace mentor {

/// Largest absolute difference; infinity when shapes differ or one side is not finite.
inline double max_abs_difference(const at::Tensor& actual, const at::Tensor& expected) {
  if (actual.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
  if (actual.numel() == 0) return 0;
  const double difference = (actual.detach().to(at::kDouble) - expected.detach().to(at::kDouble))
                                .abs()
                                .max()
                                .item<double>();
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

/// Compares with an absolute tolerance and prints one line of the golden results table.
inline void expect_close(const std::string& name, const at::Tensor& actual,
                         const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << name;
  const double difference = max_abs_difference(actual, expected);
  std::printf("golden %s max_abs=%.3g tol=%.3g\n", name.c_str(), difference, tolerance);
  EXPECT_LE(difference, tolerance) << name;
}

/// The same for a gradient: the tolerance is relative to the largest gradient.
inline void expect_gradient(const std::string& name, const at::Tensor& actual,
                            const at::Tensor& expected, double relative = 1e-4) {
  ASSERT_TRUE(actual.defined()) << name << " got no gradient";
  expect_close(name, actual, expected, relative * expected.abs().max().item<double>() + 1e-6);
}

}  // namespace mentor
