#include "mentor/nn/linear_cross_entropy.h"

#include "mentor/kernels/train_kernels.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace mentor {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows whose logits exist at one time: 16384 bf16 classes make 64 MB of them. Smaller chunks cost
/// a read and a write of the weight's gradient each.
constexpr int64_t kChunkRows = 2048;

/// A chunk's losses; its logits become the gradient of the weighted losses if that is wanted.
struct Chunk {
  at::Tensor logits_SV, targets_S, weights_S, losses_S;
};

template <class T>
void losses_on_cpu(const Chunk& chunk, bool gradient) {
  const int64_t classes = chunk.logits_SV.size(1);
  auto* logits = static_cast<T*>(chunk.logits_SV.mutable_data_ptr());
  const auto* targets = chunk.targets_S.const_data_ptr<int64_t>();
  const auto* weights = chunk.weights_S.const_data_ptr<float>();
  auto* losses = chunk.losses_S.mutable_data_ptr<float>();
  const auto kernel = train_kernels<T>().cross_entropy;
  at::parallel_for(0, chunk.logits_SV.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      losses[row] = kernel({.logits = logits + row * classes,
                            .n = classes,
                            .target = targets[row],
                            .weight = weights[row],
                            .gradient = gradient});
    }
  });
}

void losses_anywhere(Chunk& chunk, bool gradient) {
  const at::Tensor targets_S1 = chunk.targets_S.unsqueeze(1);
  const at::Tensor log_probabilities = at::log_softmax(chunk.logits_SV, -1, at::kFloat);
  chunk.losses_S.copy_(log_probabilities.gather(1, targets_S1).squeeze(1).neg());
  if (!gradient) return;
  at::Tensor gradients = log_probabilities.exp();
  gradients.scatter_add_(1, targets_S1, at::full_like(chunk.weights_S, -1).unsqueeze(1));
  chunk.logits_SV.copy_(gradients.mul_(chunk.weights_S.unsqueeze(1)));
}

void take_losses(Chunk& chunk, bool gradient) {
  const at::ScalarType dtype = chunk.logits_SV.scalar_type();
  if (!chunk.logits_SV.is_cpu() || (dtype != at::kFloat && dtype != at::kBFloat16)) {
    losses_anywhere(chunk, gradient);
  } else if (dtype == at::kFloat) {
    losses_on_cpu<float>(chunk, gradient);
  } else {
    losses_on_cpu<Bf16>(chunk, gradient);
  }
}

/// gradient * upstream. The loss is nearly always differentiated itself, upstream = 1, which a CPU
/// can see for nothing and which saves a pass over the weight's gradient.
at::Tensor times(const at::Tensor& gradient, const at::Tensor& upstream) {
  if (!gradient.defined()) return {};
  if (upstream.is_cpu() && upstream.item<float>() == 1) return gradient;
  return gradient * upstream.to(gradient.scalar_type());
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
 public:
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x_SD,
                               const at::Tensor& weight_VD, const at::Tensor& targets_S,
                               const at::Tensor& weights_S, bool x_learns, bool weight_learns) {
    const int64_t rows = x_SD.size(0);
    const bool gradient = x_learns || weight_learns;
    at::Tensor losses_S = at::empty({rows}, x_SD.options().dtype(at::kFloat));
    at::Tensor dx_SD = x_learns ? at::empty_like(x_SD) : at::Tensor();
    at::Tensor dweight_VD;
    for (int64_t begin = 0; begin < rows; begin += kChunkRows) {
      const int64_t end = std::min(rows, begin + kChunkRows);
      const at::Tensor chunk_SD = x_SD.slice(0, begin, end);
      Chunk chunk{.logits_SV = at::mm(chunk_SD, weight_VD.t()),
                  .targets_S = targets_S.slice(0, begin, end),
                  .weights_S = weights_S.slice(0, begin, end),
                  .losses_S = losses_S.slice(0, begin, end)};
      take_losses(chunk, gradient);
      if (x_learns) {
        at::Tensor part = dx_SD.slice(0, begin, end);
        at::mm_out(part, chunk.logits_SV, weight_VD);
      }
      if (!weight_learns) continue;
      const at::Tensor gradient_VS = chunk.logits_SV.t();
      if (begin == 0) {
        dweight_VD = at::mm(gradient_VS, chunk_SD);
      } else {
        dweight_VD.addmm_(gradient_VS, chunk_SD);
      }
    }
    ctx->save_for_backward({dx_SD, dweight_VD});
    ctx->mark_non_differentiable({losses_S});
    return {losses_S.dot(weights_S), losses_S};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    return {times(saved[0], gradients[0]), times(saved[1], gradients[0]), {}, {}, {}, {}};
  }
};

}  // namespace

WeightedLosses linear_cross_entropy(const at::Tensor& x_SD, const at::Tensor& weight_VD,
                                    const at::Tensor& targets_S, const at::Tensor& weights_S) {
  TORCH_CHECK(x_SD.dim() == 2 && weight_VD.dim() == 2 && x_SD.size(1) == weight_VD.size(1) &&
                  x_SD.scalar_type() == weight_VD.scalar_type(),
              "linear_cross_entropy: x ", x_SD.sizes(), " ", x_SD.dtype(), ", weight ",
              weight_VD.sizes(), " ", weight_VD.dtype());
  TORCH_CHECK(targets_S.scalar_type() == at::kLong && targets_S.dim() == 1 &&
                  targets_S.size(0) == x_SD.size(0),
              "linear_cross_entropy: targets ", targets_S.sizes(), " ", targets_S.dtype(), " for ",
              x_SD.size(0), " rows");
  TORCH_CHECK(weights_S.scalar_type() == at::kFloat && weights_S.sizes() == targets_S.sizes(),
              "linear_cross_entropy: weights ", weights_S.sizes(), " ", weights_S.dtype());
  // On a GPU the check would make the host wait; ATen's kernels check there.
  TORCH_CHECK(!targets_S.is_cpu() || targets_S.numel() == 0 ||
                  (targets_S.min().item<int64_t>() >= 0 &&
                   targets_S.max().item<int64_t>() < weight_VD.size(0)),
              "linear_cross_entropy: a target is outside the ", weight_VD.size(0), " classes");
  const bool records = at::GradMode::is_enabled();
  const variable_list result = LinearCrossEntropy::apply(
      x_SD.contiguous(), weight_VD, targets_S.contiguous(), weights_S.contiguous(),
      records && x_SD.requires_grad(), records && weight_VD.requires_grad());
  return {.sum = result[0], .losses_S = result[1]};
}

}  // namespace mentor
