#include "mentor/models/condition_prefix.h"

#include <ATen/ATen.h>

#include <vector>

namespace mentor {
namespace {

/// The valid rows [n, D] of each sample, as views.
std::vector<at::Tensor> valid_rows(const at::Tensor& features_BSD, at::IntArrayRef lengths) {
  TORCH_CHECK(
      features_BSD.dim() == 3 && features_BSD.size(0) == static_cast<int64_t>(lengths.size()),
      "features_BSD ", features_BSD.sizes(), " with ", lengths.size(), " lengths");
  std::vector<at::Tensor> rows;
  for (size_t b = 0; b < lengths.size(); ++b) {
    rows.push_back(features_BSD[static_cast<int64_t>(b)].narrow(0, 0, lengths[b]));
  }
  return rows;
}

}  // namespace

ConditionPrefix left_padded_prefix(const at::Tensor& features_BSD, at::IntArrayRef lengths,
                                   int64_t cond_len) {
  std::vector<at::Tensor> rows = valid_rows(features_BSD, lengths);
  for (at::Tensor& row : rows) {
    TORCH_CHECK(row.size(0) <= cond_len, row.size(0), " features for ", cond_len,
                " condition rows");
    row = at::constant_pad_nd(row, {0, 0, cond_len - row.size(0), 0});
  }
  const at::Tensor first_valid_B1 = cond_len - at::tensor(lengths).unsqueeze(1);
  const at::Tensor mask_BL = at::arange(cond_len).ge(first_valid_B1).to(at::kLong);
  return {at::stack(rows), mask_BL.to(features_BSD.device())};
}

at::Tensor pack_rows(const at::Tensor& features_BSD, at::IntArrayRef lengths) {
  const std::vector<at::Tensor> rows = valid_rows(features_BSD, lengths);
  return rows.size() == 1 ? rows.front() : at::cat(rows);
}

}  // namespace mentor
