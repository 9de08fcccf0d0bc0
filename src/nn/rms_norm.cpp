#include "mentor/kernels/cpu_kernels.h"
#include "mentor/kernels/train_kernels.h"
#include "mentor/nn/layers.h"
#include "mentor/nn/parameters.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace mentor {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Elements a thread should have at least.
constexpr int64_t kGrainSize = 16384;
/// Rows whose share of the weight's gradient is summed first: fixed, so that the number of threads
/// does not change the sum.
constexpr int64_t kChunkRows = 64;

/// ATen has no fused form on a CPU: five passes over the residual stream instead of one, and more
/// on the way back.
bool takes_fused_kernel(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cpu() && weight.is_contiguous() &&
         (weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16);
}

template <class T>
at::Tensor run(void (*kernel)(const RmsNormArgs<T>&), const at::Tensor& x_f32,
               const at::Tensor& weight, double eps) {
  at::Tensor y = at::empty(x_f32.sizes(), weight.options());
  const int64_t dim = weight.numel();
  const RmsNormArgs<T> first{.x = x_f32.const_data_ptr<float>(),
                             .w = static_cast<const T*>(weight.const_data_ptr()),
                             .y = static_cast<T*>(y.mutable_data_ptr()),
                             .n = dim,
                             .eps = static_cast<float>(eps)};
  const int64_t grain = std::max<int64_t>(1, kGrainSize / dim);
  at::parallel_for(0, x_f32.numel() / dim, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      RmsNormArgs<T> args = first;
      args.x += row * dim;
      args.y += row * dim;
      kernel(args);
    }
  });
  return y;
}

at::Tensor forward(const at::Tensor& x_f32, const at::Tensor& weight, double eps) {
  const CpuKernels& kernels = cpu_kernels();
  return weight.scalar_type() == at::kFloat ? run<float>(kernels.rms_norm_f32, x_f32, weight, eps)
                                            : run<Bf16>(kernels.rms_norm_bf16, x_f32, weight, eps);
}

template <class T>
variable_list backward(const at::Tensor& x_f32, const at::Tensor& weight, const at::Tensor& dy,
                       double eps) {
  const int64_t dim = weight.numel(), rows = x_f32.numel() / dim;
  const int64_t chunks = (rows + kChunkRows - 1) / kChunkRows;
  at::Tensor dx = at::empty_like(x_f32);
  at::Tensor dweight_CD = at::zeros({chunks, dim}, x_f32.options());
  const RmsNormBackwardArgs<T> first{.x = x_f32.const_data_ptr<float>(),
                                     .w = static_cast<const T*>(weight.const_data_ptr()),
                                     .dy = static_cast<const T*>(dy.const_data_ptr()),
                                     .dx = dx.mutable_data_ptr<float>(),
                                     .dw = dweight_CD.mutable_data_ptr<float>(),
                                     .n = dim,
                                     .eps = static_cast<float>(eps)};
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin * kChunkRows; row < std::min(rows, end * kChunkRows); ++row) {
      RmsNormBackwardArgs<T> args = first;
      args.x += row * dim;
      args.dy += row * dim;
      args.dx += row * dim;
      args.dw += row / kChunkRows * dim;
      train_kernels<T>().rms_norm_backward(args);
    }
  });
  return {dx, dweight_CD.sum(0).to(weight.scalar_type())};
}

class FusedRmsNorm : public torch::autograd::Function<FusedRmsNorm> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x_f32, const at::Tensor& weight,
                            double eps) {
    ctx->save_for_backward({x_f32, weight});
    ctx->saved_data["eps"] = eps;
    return mentor::forward(x_f32, weight, eps);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x_f32 = saved[0], &weight = saved[1], dy = gradients[0].contiguous();
    const double eps = ctx->saved_data["eps"].toDouble();
    variable_list inputs = weight.scalar_type() == at::kFloat
                               ? mentor::backward<float>(x_f32, weight, dy, eps)
                               : mentor::backward<Bf16>(x_f32, weight, dy, eps);
    inputs.emplace_back();  // eps
    return inputs;
  }
};

}  // namespace

RmsNormImpl::RmsNormImpl(int64_t dim, double eps) : eps_(eps) {
  weight = register_parameter("weight", shape_only({dim}));
}

at::Tensor RmsNormImpl::forward(const at::Tensor& x) const {
  TORCH_CHECK(x.dim() >= 1 && x.size(-1) == weight.numel(), "RmsNorm of width ", weight.numel(),
              " got ", x.sizes());
  const at::Tensor x_f32 = x.to(at::kFloat);
  if (takes_fused_kernel(x, weight)) {
    if (at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad())) {
      return FusedRmsNorm::apply(x_f32.contiguous(), weight, eps_);
    }
    return mentor::forward(x_f32.contiguous(), weight, eps_);
  }
  const at::Tensor mean_square = x_f32.square().mean(-1, /*keepdim=*/true);
  return (x_f32 * at::rsqrt(mean_square + eps_)).to(weight.scalar_type()) * weight;
}

}  // namespace mentor
