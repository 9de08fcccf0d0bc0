#include "mentor/nn/layers.h"

#include "mentor/nn/parameters.h"

#include <torch/torch.h>

namespace mentor {

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::linear(x, weight, bias);
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
  return at::group_norm(x_NCHW, groups_, weight, bias, eps_);
}

LayerNormImpl::LayerNormImpl(int64_t dim, double eps) : eps_(eps) {
  weight = register_parameter("weight", shape_only({dim}));
  bias = register_parameter("bias", shape_only({dim}));
}

at::Tensor LayerNormImpl::forward(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps_);
}

RmsNormImpl::RmsNormImpl(int64_t dim, double eps) : eps_(eps) {
  weight = register_parameter("weight", shape_only({dim}));
}

at::Tensor RmsNormImpl::forward(const at::Tensor& x) const {
  const at::Tensor x_f32 = x.to(at::kFloat);
  const at::Tensor mean_square = x_f32.square().mean(-1, /*keepdim=*/true);
  return (x_f32 * at::rsqrt(mean_square + eps_)).to(weight.scalar_type()) * weight;
}

}  // namespace mentor
