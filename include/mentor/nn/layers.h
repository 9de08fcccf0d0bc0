#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

// The holders of weights that all models share. Each registers its tensors under the names of
// torch's own layers ("weight", "bias"), shape-only (nn/parameters.h), and computes with the
// plain ATen operator: torch::nn::Linear would fill 2.3 B numbers that are overwritten next.

namespace mentor {

/// y = x Wᵀ + b for x [..., in]. On a CPU without autograd, few rows (decode steps) take a
/// kernel whose result for a row does not depend on the other rows.
[[nodiscard]] at::Tensor linear(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias = {});

class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in, int64_t out, bool with_bias);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;  // [..., in] -> [..., out]

  at::Tensor weight, bias;  // [out, in], [out]
};
TORCH_MODULE(Linear);

class EmbeddingImpl : public torch::nn::Module {
 public:
  EmbeddingImpl(int64_t rows, int64_t dim);
  [[nodiscard]] at::Tensor forward(const at::Tensor& ids) const;  // int64 [...] -> [..., dim]

  at::Tensor weight;  // [rows, dim]
};
TORCH_MODULE(Embedding);

struct Conv2dOptions {
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = 1;
  bool bias = true;
};

class Conv2dImpl : public torch::nn::Module {
 public:
  Conv2dImpl(int64_t in, int64_t out, const Conv2dOptions& options = {});
  [[nodiscard]] at::Tensor forward(const at::Tensor& x_NCHW) const;

  at::Tensor weight, bias;  // [out, in, k, k], [out]

 private:
  Conv2dOptions options_;
};
TORCH_MODULE(Conv2d);

class GroupNormImpl : public torch::nn::Module {
 public:
  GroupNormImpl(int64_t groups, int64_t channels, double eps);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x_NCHW) const;
  /// swish(norm(x)) in one operation. The second form may write into x, which the caller gives up.
  [[nodiscard]] at::Tensor swish(const at::Tensor& x_NCHW) const;
  [[nodiscard]] at::Tensor swish(at::Tensor&& x_NCHW) const;

  at::Tensor weight, bias;  // [channels]

 private:
  int64_t groups_;
  double eps_;
};
TORCH_MODULE(GroupNorm);

/// BatchNorm over a batch of pictures, always with the batch's own statistics, as a discriminator
/// in training uses it; the running ones are kept for its file.
class BatchNorm2dImpl : public torch::nn::Module {
 public:
  explicit BatchNorm2dImpl(int64_t channels);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x_NCHW);

  at::Tensor weight, bias, running_mean, running_var;  // [channels]
};
TORCH_MODULE(BatchNorm2d);

class LayerNormImpl : public torch::nn::Module {
 public:
  LayerNormImpl(int64_t dim, double eps);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight, bias;  // [dim]

 private:
  double eps_;
};
TORCH_MODULE(LayerNorm);

/// Root-mean-square norm of LlamaGen and T5: the mean square in fp32, the normalised value cast
/// to the weight's dtype, then the weight. The input is usually the fp32 residual stream; the
/// output has the weight's dtype.
class RmsNormImpl : public torch::nn::Module {
 public:
  RmsNormImpl(int64_t dim, double eps);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [dim]

 private:
  double eps_;
};
TORCH_MODULE(RmsNorm);

}  // namespace mentor
