#pragma once

#include "mentor/core/random.h"
#include "mentor/nn/state.h"

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

namespace mentor {

/// What a tensor is filled with: key, place of the key in bytewise order, and sizes -> value of
/// the element with a flat index.
using FillRule = std::function<double(const std::string& key, int64_t place, int64_t index)>;

/// The same three kinds of tensor in both rules of the fixtures: matrices and kernels keep the
/// variance of their input (`gain`), biases are small, norm weights are close to 1.
struct FillScale {
  double gain, bias, norm;
};

inline StateDict filled_state(const StateDict& shapes, const FillRule& rule,
                              const FillScale& scale) {
  std::set<std::string> keys;
  for (const auto& [key, tensor] : shapes) keys.insert(key);
  StateDict filled;
  int64_t place = 0;
  for (const std::string& key : keys) {
    const at::Tensor& shape = shapes.at(key);
    at::Tensor tensor = at::zeros(shape.sizes(), at::kFloat);
    auto* values = tensor.mutable_data_ptr<float>();
    const bool matrix = shape.dim() >= 2;
    const double fan_in = static_cast<double>(shape.numel() / shape.size(0));
    const double factor =
        matrix ? scale.gain / std::sqrt(fan_in) : (key.ends_with("bias") ? scale.bias : scale.norm);
    const double base = matrix || key.ends_with("bias") ? 0 : 1;
    for (int64_t i = 0; key != "quantize.codebook_used" && i < tensor.numel(); ++i) {
      values[i] = static_cast<float>(base + rule(key, place, i) * factor);
    }
    filled.set(key, tensor);
    ++place;
  }
  return filled;
}

/// The exact integer rule of vqgan/meta.json.
inline double integer_value(const std::string& key, uint64_t seed, int64_t i) {
  const uint64_t start = fnv1a(key) ^ seed;
  const uint64_t mixed = mix64(start + static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15ULL);
  return static_cast<double>(mixed >> 40) / 8388608.0 - 1.0;
}

inline StateDict integer_fill(const StateDict& shapes, uint64_t seed) {
  const FillRule rule = [&](const std::string& key, int64_t, int64_t i) {
    return integer_value(key, seed, i);
  };
  return filled_state(shapes, rule, {.gain = std::sqrt(3.0), .bias = 0.1, .norm = 0.2});
}
inline StateDict integer_fill(const torch::nn::Module& module, uint64_t seed) {
  return integer_fill(state_dict(module), seed);
}

/// Numbers of [-1, 1) by the same rule, not scaled.
inline at::Tensor integer_uniform(const std::string& key, uint64_t seed, at::IntArrayRef sizes) {
  at::Tensor tensor = at::empty(sizes, at::kFloat);
  auto* values = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = static_cast<float>(integer_value(key, seed, i));
  }
  return tensor;
}

/// The sine rule of pil/ (model.md section 7.1).
inline StateDict sine_fill(const torch::nn::Module& module) {
  const FillRule rule = [](const std::string&, int64_t place, int64_t i) {
    return std::sin(0.7 * static_cast<double>(i) + 1.3 * static_cast<double>(place) +
                    0.1 * static_cast<double>(i % 7));
  };
  return filled_state(state_dict(module), rule,
                      {.gain = std::sqrt(2.0), .bias = 0.02, .norm = 0.05});
}

}  // namespace mentor
