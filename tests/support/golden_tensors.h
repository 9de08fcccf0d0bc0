#pragma once

#include "mentor/nn/state.h"
#include "mentor/tensor/safetensors.h"
#include "support/compare.h"
#include "support/golden.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

namespace mentor {

inline nlohmann::json read_golden_json(const std::string& relative) {
  std::ifstream file(fixture_path(relative));
  return nlohmann::json::parse(file);
}

/// One fixture folder: description, inputs and expected outputs, weights.
struct Golden {
  explicit Golden(const std::string& folder)
      : meta(read_golden_json(folder + "/meta.json")),
        io(read_safetensors(fixture_path(folder + "/io.safetensors"))),
        weights(read_safetensors(fixture_path(folder + "/weights.safetensors"))) {}

  nlohmann::json meta;
  StateDict io, weights;
};

/// How far a result may be from the reference: absolute + relative * max|expected|.
struct Tolerance {
  double absolute = 0;
  double relative = 0;

  /// Of a sentence in meta.json: "1e-4 absolute (...)" or "1e-4 * max|grad| + 1e-6".
  static Tolerance parse(const std::string& sentence) {
    const double first = std::stod(sentence);
    if (sentence.find('*') == std::string::npos) return {first, 0};
    return {std::stod(sentence.substr(sentence.find('+') + 1)), first};
  }
};

inline void expect_close(const std::string& name, const at::Tensor& actual,
                         const at::Tensor& expected, const Tolerance& tolerance) {
  ASSERT_TRUE(actual.defined()) << name;
  expect_close(name, actual, expected,
               tolerance.absolute + tolerance.relative * expected.abs().max().item<double>());
}

/// Compares d loss / d weight for every "<prefix><key>" that the fixture holds; returns how many.
inline int expect_gradients_close(const std::string& label, const torch::nn::Module& module,
                                  const StateDict& expected, const std::string& prefix,
                                  const Tolerance& tolerance) {
  const StateDict parameters = state_dict(module);
  int compared = 0;
  for (const auto& [key, gradient] : expected.below(prefix)) {
    expect_close(label + key, parameters.at(key).grad(), gradient, tolerance);
    ++compared;
  }
  return compared;
}

/// Loads fixture weights; they must fit exactly.
inline void load_golden(torch::nn::Module& module, const StateDict& weights,
                        at::ScalarType dtype = at::kFloat) {
  const LoadReport report = load_state_dict(module, weights, dtype);
  EXPECT_TRUE(report.complete()) << report.missing.size() << " keys are missing, "
                                 << report.mismatched.size() << " have another shape";
  EXPECT_TRUE(report.unexpected.empty()) << report.unexpected.front();
}

}  // namespace mentor
