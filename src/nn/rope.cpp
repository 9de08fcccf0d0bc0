#include "mentor/nn/rope.h"

#include <ATen/ATen.h>

namespace mentor {

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

RopeTable::Rotation RopeTable::rotation(const at::Tensor& rows_S) const {
  const at::Tensor rows = rows_S.to(at::kCPU);
  return {.cos_SK = cos_.index_select(0, rows).unsqueeze(1).to(rows_S.device()),
          .sin_SK = sin_.index_select(0, rows).unsqueeze(1).to(rows_S.device())};
}

at::Tensor apply_rope(const at::Tensor& x_SHK, const RopeTable::Rotation& rotation) {
  const at::Tensor pairs = x_SHK.to(at::kFloat).unflatten(-1, {-1, 2});
  const at::Tensor even = pairs.select(-1, 0), odd = pairs.select(-1, 1);
  const at::Tensor turned = at::stack({even * rotation.cos_SK - odd * rotation.sin_SK,
                                       odd * rotation.cos_SK + even * rotation.sin_SK},
                                      -1);
  return turned.flatten(-2).to(x_SHK.scalar_type());
}

}  // namespace mentor
