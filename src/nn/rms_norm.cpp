#include "mentor/kernels/cpu_kernels.h"
#include "mentor/nn/layers.h"
#include "mentor/nn/parameters.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

namespace mentor {
namespace {

/// Elements a thread should have at least.
constexpr int64_t kGrainSize = 16384;

/// ATen has no fused form on a CPU: five passes over the residual stream instead of one.
bool takes_fused_kernel(const at::Tensor& x, const at::Tensor& weight) {
  const bool recording =
      at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  return !recording && x.is_cpu() && weight.is_contiguous() &&
         (weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16);
}

template <class T>
at::Tensor fused(void (*kernel)(const RmsNormArgs<T>&), const at::Tensor& x,
                 const at::Tensor& weight, double eps) {
  const at::Tensor x_f32 = x.to(at::kFloat).contiguous();
  at::Tensor y = at::empty(x.sizes(), weight.options());
  const int64_t dim = weight.numel();
  const RmsNormArgs<T> first{.x = x_f32.const_data_ptr<float>(),
                             .w = static_cast<const T*>(weight.const_data_ptr()),
                             .y = static_cast<T*>(y.mutable_data_ptr()),
                             .n = dim,
                             .eps = static_cast<float>(eps)};
  const int64_t grain = std::max<int64_t>(1, kGrainSize / dim);
  at::parallel_for(0, x.numel() / dim, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      RmsNormArgs<T> args = first;
      args.x += row * dim;
      args.y += row * dim;
      kernel(args);
    }
  });
  return y;
}

}  // namespace

RmsNormImpl::RmsNormImpl(int64_t dim, double eps) : eps_(eps) {
  weight = register_parameter("weight", shape_only({dim}));
}

at::Tensor RmsNormImpl::forward(const at::Tensor& x) const {
  TORCH_CHECK(x.dim() >= 1 && x.size(-1) == weight.numel(), "RmsNorm of width ", weight.numel(),
              " got ", x.sizes());
  if (takes_fused_kernel(x, weight)) {
    const CpuKernels& kernels = cpu_kernels();
    return weight.scalar_type() == at::kFloat ? fused<float>(kernels.rms_norm_f32, x, weight, eps_)
                                              : fused<Bf16>(kernels.rms_norm_bf16, x, weight, eps_);
  }
  const at::Tensor x_f32 = x.to(at::kFloat);
  const at::Tensor mean_square = x_f32.square().mean(-1, /*keepdim=*/true);
  return (x_f32 * at::rsqrt(mean_square + eps_)).to(weight.scalar_type()) * weight;
}

}  // namespace mentor
