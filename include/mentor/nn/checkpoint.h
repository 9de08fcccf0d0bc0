#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace mentor {

/// A part of a model as a function of its activations. It may use parameters (their gradients
/// accumulate as usual) and constants; every other tensor that wants a gradient must be an input.
using Segment = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;

/// segment(inputs), of which only the inputs are kept until the backward pass, which runs the
/// segment again from the same random numbers: the gradients are bit for bit those of calling it
/// directly. The segment must stay callable until then (capture by value) and must not draw
/// from generators other than the default ones. Calls it directly where no gradients are recorded.
[[nodiscard]] at::Tensor checkpoint(const Segment& segment, const std::vector<at::Tensor>& inputs);

}  // namespace mentor
