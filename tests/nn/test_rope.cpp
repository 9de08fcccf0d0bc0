#include "mentor/nn/rope.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

/// The definition, of plain operators: q, k and v behind one another.
at::Tensor plain(const at::Tensor& qkv, const RopeTable::Rotation& rotation) {
  std::vector<at::Tensor> parts;
  for (const int64_t part : {0, 1}) {
    const at::Tensor pairs = qkv.select(1, part).to(at::kFloat).unflatten(-1, {-1, 2});
    const at::Tensor even = pairs.select(-1, 0), odd = pairs.select(-1, 1);
    parts.push_back(at::stack({even * rotation.cos_SK - odd * rotation.sin_SK,
                               odd * rotation.cos_SK + even * rotation.sin_SK},
                              -1)
                        .flatten(-2)
                        .to(qkv.scalar_type()));
  }
  parts.push_back(qkv.select(1, 2));
  return at::stack(parts);
}

at::Tensor own(const at::Tensor& qkv, const RopeTable::Rotation& rotation) {
  const TurnedHeads heads = apply_rope(qkv, rotation);
  return at::stack({heads.q, heads.k, heads.v});
}

TEST(Rope, OnePassEqualsPlainOperators) {
  at::manual_seed(1);
  for (const int64_t head_dim : {4, 16, 20, 64, 100}) {
    const RopeTable table(4, head_dim, 10000, "identity");
    const at::Tensor rows = at::arange(table.condition_row() + 1, at::kLong).repeat({3});
    const RopeTable::Rotation rotation = table.rotation(rows, at::kCPU);
    const at::Tensor qkv = at::randn({rows.size(0), 3, 2, head_dim});
    const at::Tensor dy = at::randn({3, rows.size(0), 2, head_dim});
    for (const auto& [dtype, tolerance] : {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 0.02}}) {
      const at::Tensor a = qkv.to(dtype).detach().clone().requires_grad_(true);
      const at::Tensor b = qkv.to(dtype).detach().clone().requires_grad_(true);
      const at::Tensor turned = own(a, rotation), expected = plain(b, rotation);
      EXPECT_EQ(turned.scalar_type(), dtype);
      EXPECT_LE(max_abs_difference(turned, expected), tolerance) << head_dim << ' ' << dtype;
      turned.backward(dy.to(dtype));
      expected.backward(dy.to(dtype));
      EXPECT_LE(max_abs_difference(a.grad(), b.grad()), tolerance) << head_dim << ' ' << dtype;
      const at::NoGradGuard no_grad;
      EXPECT_TRUE(own(a, rotation).equal(turned));
    }
  }
}

TEST(Rope, ZeroConditionErasesQueriesAndKeys) {
  const RopeTable table(2, 16, 10000, "zero");
  const at::Tensor rows = at::tensor({table.condition_row(), int64_t{3}});
  const TurnedHeads heads = apply_rope(at::ones({2, 3, 1, 16}), table.rotation(rows, at::kCPU));
  EXPECT_TRUE(heads.q[0].equal(at::zeros({1, 16})));
  EXPECT_TRUE(heads.k[0].equal(at::zeros({1, 16})));
  EXPECT_TRUE(heads.v.equal(at::ones({2, 1, 16})));
  EXPECT_GT(heads.q[1].abs().min().item<double>(), 0);
}

}  // namespace
}  // namespace mentor
