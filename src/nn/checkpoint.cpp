#include "mentor/nn/checkpoint.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <mutex>
#include <utility>

namespace mentor {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What the autograd graph can hold.
struct HeldSegment : torch::CustomClassHolder {
  explicit HeldSegment(Segment held) : segment(std::move(held)) {}
  Segment segment;
};

/// The default generators that a segment on `device` draws from: dropout on a CPU and its seeds
/// come from the CPU's.
std::vector<at::Generator> generators(const at::Device& device) {
  std::vector<at::Generator> found = {at::globalContext().defaultGenerator(at::kCPU)};
  if (!device.is_cpu()) found.push_back(at::globalContext().defaultGenerator(device));
  return found;
}

variable_list random_state(const at::Device& device) {
  variable_list states;
  for (at::Generator& generator : generators(device)) {
    const std::scoped_lock lock(generator.mutex());
    states.push_back(generator.get_state());
  }
  return states;
}

void set_random_state(const at::Device& device, at::TensorList states) {
  size_t i = 0;
  for (at::Generator& generator : generators(device)) {
    const std::scoped_lock lock(generator.mutex());
    generator.set_state(states[i++]);
  }
}

/// Puts the generators back where they were.
class RandomStateGuard {
 public:
  explicit RandomStateGuard(const at::Device& device)
      : device_(device), states_(random_state(device)) {}
  ~RandomStateGuard() { set_random_state(device_, states_); }
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

 private:
  at::Device device_;
  variable_list states_;
};

/// Leaves with the values of `inputs`.
variable_list leaves(at::TensorList inputs) {
  variable_list result;
  for (const at::Tensor& input : inputs) {
    result.push_back(input.detach().requires_grad_(input.requires_grad()));
  }
  return result;
}

class Checkpoint : public torch::autograd::Function<Checkpoint> {
 public:
  /// `anchor` wants a gradient, so that the graph has this node even if no input wants one.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& /*anchor*/,
                            at::TensorList inputs, const Segment& segment) {
    variable_list kept = random_state(inputs.front().device());
    kept.insert(kept.end(), inputs.begin(), inputs.end());
    ctx->save_for_backward(kept);
    ctx->saved_data["segment"] =
        c10::IValue::make_capsule(c10::make_intrusive<HeldSegment>(segment));
    // Recording, though the graph is dropped here: operators choose their kernels by it, and the
    // second run must take the same.
    const at::AutoGradMode recording(true);
    return segment(leaves(inputs)).detach();
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list kept = ctx->get_saved_variables();
    const at::Device device = kept.back().device();
    const size_t num_states = generators(device).size();
    const variable_list inputs = leaves(at::TensorList(kept).slice(num_states));
    const auto held = ctx->saved_data["segment"].toCapsule();
    at::Tensor output;
    {
      const RandomStateGuard guard(device);
      const at::AutoGradMode recording(true);
      set_random_state(device, at::TensorList(kept).slice(0, num_states));
      output = dynamic_cast<const HeldSegment&>(*held).segment(inputs);
    }
    // Without parameters or inputs that learn only the anchor has called for this.
    if (output.requires_grad()) torch::autograd::backward({output}, gradients);
    variable_list result(1);  // the anchor's
    for (const at::Tensor& input : inputs) result.push_back(input.grad());
    result.emplace_back();  // the segment's
    return result;
  }
};

}  // namespace

at::Tensor checkpoint(const Segment& segment, const std::vector<at::Tensor>& inputs) {
  TORCH_CHECK(!inputs.empty(), "checkpoint: a segment needs an input");
  if (!at::GradMode::is_enabled()) return segment(inputs);
  return Checkpoint::apply(at::empty({0}).requires_grad_(true), at::TensorList(inputs), segment);
}

}  // namespace mentor
