#include "mentor/nn/rope.h"

#include "mentor/kernels/train_kernels.h"

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

bool takes_kernel(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

template <class T>
void turn_rows_of(const at::Tensor& x_SHK, const at::Tensor& cos_SK, const at::Tensor& sin_SK,
                  bool inverse, at::Tensor& y_SHK) {
  const int64_t heads = x_SHK.size(1), head_dim = x_SHK.size(2);
  const int64_t x_stride = x_SHK.stride(0), y_stride = y_SHK.stride(0);
  const RotateArgs<T> first{.x = static_cast<const T*>(x_SHK.const_data_ptr()),
                            .y = static_cast<T*>(y_SHK.mutable_data_ptr()),
                            .cos = cos_SK.const_data_ptr<float>(),
                            .sin = sin_SK.const_data_ptr<float>(),
                            .heads = heads,
                            .head_dim = head_dim,
                            .inverse = inverse};
  const int64_t grain = std::max<int64_t>(1, kGrainSize / (heads * head_dim));
  at::parallel_for(0, x_SHK.size(0), grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      RotateArgs<T> args = first;
      args.x += row * x_stride;
      args.y += row * y_stride;
      args.cos += row * head_dim / 2;
      args.sin += row * head_dim / 2;
      train_kernels<T>().rotate(args);
    }
  });
}

/// The heads of a row lie one behind the other in both; rows may be apart.
void turn_rows(const at::Tensor& x_SHK, const at::Tensor& cos_SK, const at::Tensor& sin_SK,
               bool inverse, at::Tensor& y_SHK) {
  if (x_SHK.scalar_type() == at::kFloat) {
    turn_rows_of<float>(x_SHK, cos_SK, sin_SK, inverse, y_SHK);
  } else {
    turn_rows_of<Bf16>(x_SHK, cos_SK, sin_SK, inverse, y_SHK);
  }
}

at::Tensor turned_part(const at::Tensor& qkv_S3HK, int64_t part, const at::Tensor& cos_SK,
                       const at::Tensor& sin_SK) {
  const at::Tensor x_SHK = qkv_S3HK.select(1, part);
  at::Tensor y_SHK = at::empty_like(x_SHK, at::MemoryFormat::Contiguous);
  turn_rows(x_SHK, cos_SK, sin_SK, /*inverse=*/false, y_SHK);
  return y_SHK;
}

class SplitAndTurn : public torch::autograd::Function<SplitAndTurn> {
 public:
  static variable_list forward(AutogradContext* ctx, const at::Tensor& qkv_S3HK,
                               const at::Tensor& cos_SK, const at::Tensor& sin_SK) {
    ctx->save_for_backward({cos_SK, sin_SK});
    return {turned_part(qkv_S3HK, 0, cos_SK, sin_SK), turned_part(qkv_S3HK, 1, cos_SK, sin_SK),
            qkv_S3HK.select(1, 2).contiguous()};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::IntArrayRef sizes = gradients[0].sizes();
    const at::Tensor dqkv = at::empty({sizes[0], 3, sizes[1], sizes[2]}, gradients[0].options());
    for (const int64_t part : {0, 1}) {
      at::Tensor out = dqkv.select(1, part);
      turn_rows(gradients[part].contiguous(), saved[0], saved[1], /*inverse=*/true, out);
    }
    dqkv.select(1, 2).copy_(gradients[2]);
    return {dqkv, {}, {}};
  }
};

at::Tensor turn(const at::Tensor& x_SHK, const RopeTable::Rotation& rotation) {
  const at::Tensor pairs = x_SHK.to(at::kFloat).unflatten(-1, {-1, 2});
  const at::Tensor even = pairs.select(-1, 0), odd = pairs.select(-1, 1);
  const at::Tensor turned = at::stack({even * rotation.cos_SK - odd * rotation.sin_SK,
                                       odd * rotation.cos_SK + even * rotation.sin_SK},
                                      -1);
  return turned.flatten(-2).to(x_SHK.scalar_type());
}

}  // namespace

RopeTable::RopeTable(int64_t grid, int64_t head_dim, double base, std::string_view condition) {
  TORCH_CHECK(head_dim % 4 == 0, "2-D rotary embedding needs a head width divisible by 4, got ",
              head_dim);
  TORCH_CHECK(condition == "identity" || condition == "zero", "rope_condition '",
              std::string(condition), "'");
  const int64_t half = head_dim / 2;
  const at::Tensor exponent = at::arange(0, half, 2, at::kFloat).div(half);
  const at::Tensor frequency = 1.0 / at::pow(at::scalar_tensor(base, at::kFloat), exponent);
  const at::Tensor angle_GF = at::outer(at::arange(grid, at::kFloat), frequency);
  const int64_t count = frequency.size(0);
  const at::Tensor by_row = angle_GF.unsqueeze(1).expand({grid, grid, count});
  const at::Tensor by_column = angle_GF.unsqueeze(0).expand({grid, grid, count});
  const at::Tensor angles = at::cat({by_row, by_column}, -1).reshape({grid * grid, half});
  const at::Tensor condition_cos = at::full({1, half}, condition == "identity" ? 1.0 : 0.0);
  cos_ = at::cat({angles.cos(), condition_cos});
  sin_ = at::cat({angles.sin(), at::zeros({1, half})});
}

RopeTable::Rotation RopeTable::rotation(const at::Tensor& rows_S, at::Device device) const {
  const auto chosen = [&](const at::Tensor& table) {
    const at::Tensor host = table.index_select(0, rows_S).unsqueeze(1);
    // A copy from other memory would wait for all that the GPU has to do before it.
    return device.is_cpu() ? host : host.pin_memory().to(device, /*non_blocking=*/true);
  };
  return {.cos_SK = chosen(cos_), .sin_SK = chosen(sin_)};
}

TurnedHeads apply_rope(const at::Tensor& qkv_S3HK, const RopeTable::Rotation& rotation) {
  if (!takes_kernel(qkv_S3HK)) {
    return {.q = turn(qkv_S3HK.select(1, 0), rotation),
            .k = turn(qkv_S3HK.select(1, 1), rotation),
            .v = qkv_S3HK.select(1, 2)};
  }
  const at::Tensor qkv = qkv_S3HK.contiguous();
  const at::Tensor cos_SK = rotation.cos_SK.contiguous(), sin_SK = rotation.sin_SK.contiguous();
  if (at::GradMode::is_enabled() && qkv.requires_grad()) {
    const variable_list turned = SplitAndTurn::apply(qkv, cos_SK, sin_SK);
    return {.q = turned[0], .k = turned[1], .v = turned[2]};
  }
  return {.q = turned_part(qkv, 0, cos_SK, sin_SK),
          .k = turned_part(qkv, 1, cos_SK, sin_SK),
          .v = qkv.select(1, 2)};
}

}  // namespace mentor
