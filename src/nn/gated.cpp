#include "mentor/nn/gated.h"

#include "mentor/kernels/train_kernels.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

namespace mentor {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Elements a thread should have at least.
constexpr int64_t kGrainSize = 16384;

template <class T>
void run(const at::Tensor& gate, const at::Tensor& up, at::Tensor& y) {
  const auto* g = static_cast<const T*>(gate.const_data_ptr());
  const auto* u = static_cast<const T*>(up.const_data_ptr());
  auto* out = static_cast<T*>(y.mutable_data_ptr());
  at::parallel_for(0, gate.numel(), kGrainSize, [&](int64_t begin, int64_t end) {
    train_kernels<T>().silu_mul(
        {.gate = g + begin, .up = u + begin, .y = out + begin, .n = end - begin});
  });
}

at::Tensor forward(const at::Tensor& gate, const at::Tensor& up) {
  at::Tensor y = at::empty_like(gate);
  if (gate.scalar_type() == at::kFloat) {
    run<float>(gate, up, y);
  } else {
    run<Bf16>(gate, up, y);
  }
  return y;
}

template <class T>
variable_list backward(const at::Tensor& gate, const at::Tensor& up, const at::Tensor& dy) {
  variable_list gradients = {at::empty_like(gate), at::empty_like(up)};
  const SiluMulBackwardArgs<T> all{.gate = static_cast<const T*>(gate.const_data_ptr()),
                                   .up = static_cast<const T*>(up.const_data_ptr()),
                                   .dy = static_cast<const T*>(dy.const_data_ptr()),
                                   .dgate = static_cast<T*>(gradients[0].mutable_data_ptr()),
                                   .dup = static_cast<T*>(gradients[1].mutable_data_ptr()),
                                   .n = gate.numel()};
  at::parallel_for(0, all.n, kGrainSize, [&](int64_t begin, int64_t end) {
    train_kernels<T>().silu_mul_backward({.gate = all.gate + begin,
                                          .up = all.up + begin,
                                          .dy = all.dy + begin,
                                          .dgate = all.dgate + begin,
                                          .dup = all.dup + begin,
                                          .n = end - begin});
  });
  return gradients;
}

class SiluMul : public torch::autograd::Function<SiluMul> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate, const at::Tensor& up) {
    ctx->save_for_backward({gate, up});
    return mentor::forward(gate, up);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor dy = gradients[0].contiguous();
    return dy.scalar_type() == at::kFloat ? mentor::backward<float>(saved[0], saved[1], dy)
                                          : mentor::backward<Bf16>(saved[0], saved[1], dy);
  }
};

}  // namespace

at::Tensor silu_mul(const at::Tensor& gate, const at::Tensor& up) {
  const at::ScalarType dtype = gate.scalar_type();
  if (!gate.is_cpu() || (dtype != at::kFloat && dtype != at::kBFloat16)) {
    return at::silu(gate) * up;
  }
  TORCH_CHECK(up.scalar_type() == dtype && up.sizes() == gate.sizes(), "silu_mul: ", gate.sizes(),
              " ", gate.dtype(), " and ", up.sizes(), " ", up.dtype());
  if (at::GradMode::is_enabled() && (gate.requires_grad() || up.requires_grad())) {
    return SiluMul::apply(gate.contiguous(), up.contiguous());
  }
  return forward(gate.contiguous(), up.contiguous());
}

}  // namespace mentor
