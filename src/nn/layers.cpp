#include "mentor/nn/layers.h"

#include "mentor/kernels/cpu_kernels.h"
#include "mentor/nn/group_norm.h"
#include "mentor/nn/parameters.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <vector>

namespace mentor {

namespace {

/// From here on a matrix product pays for what the blocked GEMM does before it starts.
constexpr int64_t kFewRows = 32;

bool records_gradient(const at::Tensor& x) {
  return x.defined() && x.requires_grad() && at::GradMode::is_enabled();
}

bool takes_few_rows_kernel(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return x.device().is_cpu() && x.numel() <= kFewRows * weight.size(1) &&
         x.scalar_type() == weight.scalar_type() && weight.is_contiguous() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         !records_gradient(x) && !records_gradient(weight) && !records_gradient(bias);
}

/// Rows after which a bf16 product is better cut in two, or 0. oneDNN's blocks have 256 rows and
/// two threads pay for the last one in full: the 257 tokens of a picture and the prompts that hold
/// one picture lie just above a border, where the cut saves a quarter.
int64_t cut_after_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  constexpr int64_t kBlock = 256;
  const int64_t rows = x.numel() / weight.size(1);
  const int64_t rest = rows % kBlock;
  const bool gains = rows > kBlock && rest > 0 && rest <= kBlock / 2;
  const bool applies = x.device().is_cpu() && x.scalar_type() == at::kBFloat16 &&
                       weight.scalar_type() == at::kBFloat16 && !records_gradient(x) &&
                       !records_gradient(weight) && !records_gradient(bias);
  return gains && applies ? rows - rest : 0;
}

at::Tensor linear_in_two(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         int64_t cut) {
  const at::Tensor x_MK = x.flatten(0, -2);
  at::Tensor y_MN = at::empty({x_MK.size(0), weight.size(0)}, x.options());
  const auto compute = [&](int64_t begin, int64_t end) {
    at::Tensor part = y_MN.slice(0, begin, end);
    if (bias.defined()) {
      at::addmm_out(part, bias, x_MK.slice(0, begin, end), weight.t());
    } else {
      at::mm_out(part, x_MK.slice(0, begin, end), weight.t());
    }
  };
  compute(0, cut);
  compute(cut, x_MK.size(0));
  return y_MN.unflatten(0, x.sizes().slice(0, x.dim() - 1));
}

template <class T>
void few_rows(void (*kernel)(const GemvArgs<T>&), const at::Tensor& x_MK, const at::Tensor& weight,
              const at::Tensor& bias, at::Tensor& y_MN) {
  const int64_t columns = weight.size(0);
  GemvArgs<T> args{.x = x_MK.const_data_ptr<float>(),
                   .w = static_cast<const T*>(weight.const_data_ptr()),
                   .bias = bias.defined() ? static_cast<const T*>(bias.const_data_ptr()) : nullptr,
                   .y = y_MN.mutable_data_ptr<float>(),
                   .rows = x_MK.size(0),
                   .k = weight.size(1),
                   .ldy = columns,
                   .n_begin = 0,
                   .n_end = columns};
  at::parallel_for(0, columns, /*grain_size=*/64, [&](int64_t begin, int64_t end) {
    GemvArgs<T> part = args;
    part.n_begin = begin;
    part.n_end = end;
    kernel(part);
  });
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (const int64_t cut = cut_after_rows(x, weight, bias); cut > 0) {
    return linear_in_two(x, weight, bias, cut);
  }
  if (!takes_few_rows_kernel(x, weight, bias)) return at::linear(x, weight, bias);
  const at::Tensor x_MK = x.reshape({-1, weight.size(1)}).to(at::kFloat).contiguous();
  at::Tensor y_MN = at::empty({x_MK.size(0), weight.size(0)}, x_MK.options());
  const CpuKernels& kernels = cpu_kernels();
  if (weight.scalar_type() == at::kBFloat16) {
    few_rows<Bf16>(kernels.gemv_bf16, x_MK, weight, bias, y_MN);
  } else {
    few_rows<float>(kernels.gemv_f32, x_MK, weight, bias, y_MN);
  }
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return y_MN.view(shape).to(x.scalar_type());
}

LinearImpl::LinearImpl(int64_t in, int64_t out, bool with_bias) {
  weight = register_parameter("weight", shape_only({out, in}));
  if (with_bias) bias = register_parameter("bias", shape_only({out}));
}

at::Tensor LinearImpl::forward(const at::Tensor& x) const { return linear(x, weight, bias); }

EmbeddingImpl::EmbeddingImpl(int64_t rows, int64_t dim) {
  weight = register_parameter("weight", shape_only({rows, dim}));
}

at::Tensor EmbeddingImpl::forward(const at::Tensor& ids) const {
  return at::embedding(weight, ids);
}

Conv2dImpl::Conv2dImpl(int64_t in, int64_t out, const Conv2dOptions& options) : options_(options) {
  weight = register_parameter("weight", shape_only({out, in, options.kernel, options.kernel}));
  if (options.bias) bias = register_parameter("bias", shape_only({out}));
}

at::Tensor Conv2dImpl::forward(const at::Tensor& x_NCHW) const {
  return at::conv2d(x_NCHW, weight, bias, options_.stride, options_.padding);
}

GroupNormImpl::GroupNormImpl(int64_t groups, int64_t channels, double eps)
    : groups_(groups), eps_(eps) {
  weight = register_parameter("weight", shape_only({channels}));
  bias = register_parameter("bias", shape_only({channels}));
}

at::Tensor GroupNormImpl::forward(const at::Tensor& x_NCHW) const {
  return group_norm(x_NCHW, {.groups = groups_, .weight = weight, .bias = bias, .eps = eps_});
}

at::Tensor GroupNormImpl::swish(const at::Tensor& x_NCHW) const {
  return group_norm(x_NCHW, {.groups = groups_,
                             .weight = weight,
                             .bias = bias,
                             .eps = eps_,
                             .activation = NormActivation::kSwish});
}

at::Tensor GroupNormImpl::swish(at::Tensor&& x_NCHW) const {
  return group_norm(x_NCHW, {.groups = groups_,
                             .weight = weight,
                             .bias = bias,
                             .eps = eps_,
                             .activation = NormActivation::kSwish,
                             .overwrite = true});
}

BatchNorm2dImpl::BatchNorm2dImpl(int64_t channels) {
  weight = register_parameter("weight", shape_only({channels}));
  bias = register_parameter("bias", shape_only({channels}));
  running_mean = register_buffer("running_mean", shape_only({channels}));
  running_var = register_buffer("running_var", shape_only({channels}));
}

at::Tensor BatchNorm2dImpl::forward(const at::Tensor& x_NCHW) {
  constexpr double kMomentum = 0.1, kEpsilon = 1e-5;  // torch's own
  // All its values in fp32 beside x in bf16, as torch's operators want it.
  return at::batch_norm(x_NCHW, weight.to(at::kFloat), bias.to(at::kFloat), running_mean,
                        running_var, /*training=*/true, kMomentum, kEpsilon,
                        at::globalContext().userEnabledCuDNN());
}

LayerNormImpl::LayerNormImpl(int64_t dim, double eps) : eps_(eps) {
  weight = register_parameter("weight", shape_only({dim}));
  bias = register_parameter("bias", shape_only({dim}));
}

at::Tensor LayerNormImpl::forward(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps_);
}

}  // namespace mentor
