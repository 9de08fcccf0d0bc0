#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace mentor {

/// 2-D rotary embedding of LlamaGen. Row r * grid + c of the table belongs to image cell (r, c):
/// the first half of the frequencies turns with the row, the second with the column. One more
/// row, condition_row(), is for condition tokens: "identity" leaves q and k as they are (MENTOR),
/// "zero" sets them to 0 (official LlamaGen text-to-image files were trained so).
/// Always fp32, never part of a state dict. (Reference: precompute_freqs_cis_2d, apply_rotary_emb.)
class RopeTable {
 public:
  RopeTable() = default;
  RopeTable(int64_t grid, int64_t head_dim, double base, std::string_view condition);

  [[nodiscard]] int64_t condition_row() const { return cos_.size(0) - 1; }

  /// Angles of the given rows (int64 [S], on the CPU) on a device, for apply_rope().
  struct Rotation {
    at::Tensor cos_SK, sin_SK;  // [S, 1, head_dim / 2] fp32
  };
  [[nodiscard]] Rotation rotation(const at::Tensor& rows_S, at::Device device) const;

 private:
  at::Tensor cos_, sin_;  // [grid^2 + 1, head_dim / 2] fp32
};

/// Queries and keys turned by their position, values as they are: all [S, H, K].
struct TurnedHeads {
  at::Tensor q, k, v;
};

/// Splits qkv [S, 3, H, K] and turns adjacent channel pairs of q and k in fp32; the results have
/// qkv's dtype. On a CPU one pass each way.
[[nodiscard]] TurnedHeads apply_rope(const at::Tensor& qkv_S3HK,
                                     const RopeTable::Rotation& rotation);

}  // namespace mentor
