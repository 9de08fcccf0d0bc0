#include "mentor/nn/dropout.h"

#include "mentor/kernels/train_kernels.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <mutex>

namespace mentor {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Elements a thread should have at least: a multiple of kDropoutBlock.
constexpr int64_t kGrainSize = 16384;

/// Of the random words.
constexpr double kHighest = 4294967295;

/// Which elements of a tensor survive.
struct Decision {
  uint64_t seed;
  double probability;
};

uint64_t draw_seed() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::scoped_lock lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

template <class In, class Out>
void run(void (*kernel)(const DropoutArgs<In, Out>&), const at::Tensor& x,
         const at::Tensor& residual, const Decision& decision, at::Tensor& y) {
  const auto* added = residual.defined() ? residual.const_data_ptr() : nullptr;
  const DropoutArgs<In, Out> all{
      .x = static_cast<const In*>(x.const_data_ptr()),
      .residual = static_cast<const Out*>(added),
      .y = static_cast<Out*>(y.mutable_data_ptr()),
      .begin = 0,
      .end = x.numel(),
      .seed = decision.seed,
      .threshold = static_cast<uint32_t>(std::min(std::ldexp(decision.probability, 32), kHighest)),
      .scale = static_cast<float>(1 / (1 - decision.probability))};
  const int64_t grains = (all.end + kGrainSize - 1) / kGrainSize;
  at::parallel_for(0, grains, 1, [&](int64_t begin, int64_t end) {
    DropoutArgs<In, Out> part = all;
    part.begin = begin * kGrainSize;
    part.end = std::min(all.end, end * kGrainSize);
    kernel(part);
  });
}

at::Tensor masked(const at::Tensor& x, const Decision& decision) {
  at::Tensor y = at::empty_like(x);
  if (x.scalar_type() == at::kFloat) {
    run(train_kernels<float>().dropout, x, {}, decision, y);
  } else {
    run(train_kernels<Bf16>().dropout, x, {}, decision, y);
  }
  return y;
}

at::Tensor masked_and_added(const at::Tensor& residual, const at::Tensor& update,
                            const Decision& decision) {
  at::Tensor y = at::empty_like(residual);
  if (update.scalar_type() == at::kFloat) {
    run(train_kernels<float>().dropout_to_residual, update, residual, decision, y);
  } else {
    run(train_kernels<Bf16>().dropout_to_residual, update, residual, decision, y);
  }
  return y;
}

void save(AutogradContext* ctx, const Decision& decision) {
  ctx->saved_data["seed"] = static_cast<int64_t>(decision.seed);
  ctx->saved_data["probability"] = decision.probability;
}
Decision saved(AutogradContext* ctx) {
  return {.seed = static_cast<uint64_t>(ctx->saved_data["seed"].toInt()),
          .probability = ctx->saved_data["probability"].toDouble()};
}

class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, double probability) {
    const Decision decision{draw_seed(), probability};
    save(ctx, decision);
    return masked(x, decision);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    return {masked(gradients[0].contiguous(), saved(ctx)), {}};
  }
};

class AddDropout : public torch::autograd::Function<AddDropout> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& residual,
                            const at::Tensor& update, double probability) {
    const Decision decision{draw_seed(), probability};
    save(ctx, decision);
    ctx->saved_data["dtype"] = update.scalar_type();
    return masked_and_added(residual, update, decision);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const at::Tensor gradient = gradients[0].contiguous();
    const at::ScalarType dtype = ctx->saved_data["dtype"].toScalarType();
    at::Tensor update = at::empty_like(gradient, gradient.options().dtype(dtype));
    if (dtype == at::kFloat) {
      run(train_kernels<float>().dropout_from_residual, gradient, {}, saved(ctx), update);
    } else {
      run(train_kernels<Bf16>().dropout_from_residual, gradient, {}, saved(ctx), update);
    }
    return {gradients[0], update, {}};
  }
};

bool takes_kernel(const at::Tensor& x, double probability) {
  return x.is_cpu() && probability < 1 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace

at::Tensor drop(const at::Tensor& x, double probability, bool training) {
  TORCH_CHECK(probability >= 0 && probability <= 1, "dropout probability ", probability);
  if (!training || probability == 0) return x;
  if (!takes_kernel(x, probability)) return at::dropout(x, probability, /*train=*/true);
  return Dropout::apply(x.contiguous(), probability);
}

at::Tensor add_dropout(const at::Tensor& residual, const at::Tensor& update, double probability,
                       bool training) {
  TORCH_CHECK(residual.scalar_type() == at::kFloat && residual.sizes() == update.sizes(),
              "add_dropout: residual ", residual.sizes(), " ", residual.dtype(), ", update ",
              update.sizes());
  if (!training || probability == 0 || !takes_kernel(update, probability)) {
    return residual + drop(update, probability, training);
  }
  return AddDropout::apply(residual.contiguous(), update.contiguous(), probability);
}

}  // namespace mentor
