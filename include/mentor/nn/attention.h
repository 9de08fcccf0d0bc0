#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mentor {

// S packed rows of all sequences, B sequences, H heads, K head width.

/// Causal attention inside each of the packed sequences [offsets[b], offsets[b + 1]), none empty.
/// Needs no mask and does no work for padding, because there is none. Differentiable.
[[nodiscard]] at::Tensor packed_causal_attention(const at::Tensor& q_SHK, const at::Tensor& k_SHK,
                                                 const at::Tensor& v_SHK,
                                                 const std::vector<int64_t>& offsets);

/// Keys and values of decoder rows, each packed from position 0 and with its own length, so that
/// a step costs what the row really holds and needs no mask.
class KvCache {
 public:
  struct Options {
    int64_t num_layers = 0;
    int64_t num_heads = 0;
    int64_t head_dim = 0;
    int64_t capacity = 0;  // positions per row
    at::ScalarType dtype = at::kFloat;
    at::Device device = at::kCPU;
  };
  KvCache(const Options& options, int64_t rows);

  [[nodiscard]] int64_t rows() const { return static_cast<int64_t>(lengths_.size()); }
  [[nodiscard]] const std::vector<int64_t>& lengths() const { return lengths_; }

  /// Stores a sequence as positions 0 .. L-1 of `row` in one layer.
  void fill(int64_t layer, int64_t row, const at::Tensor& k_LHK, const at::Tensor& v_LHK);
  void set_length(int64_t row, int64_t length) { lengths_[row] = length; }
  /// Copies all layers of `source_row` of another cache into `row`.
  void copy_row(int64_t row, const KvCache& source, int64_t source_row);

  /// Forgets every row but the first `count`.
  void keep_rows(int64_t count) { lengths_.resize(static_cast<size_t>(count)); }

  /// Attention of one new position per row over its cache and itself: stores k and v behind the
  /// row's positions, which advance() then makes permanent for all layers.
  [[nodiscard]] at::Tensor append_and_attend(int64_t layer, const at::Tensor& q_BHK,
                                             const at::Tensor& k_BHK, const at::Tensor& v_BHK);
  void advance();

 private:
  void append(int64_t layer, const at::Tensor& k_BHK, const at::Tensor& v_BHK);

  Options options_;
  std::vector<at::Tensor> keys_, values_;  // per layer [B, H, capacity, K]
  std::vector<int64_t> lengths_;
};

}  // namespace mentor
