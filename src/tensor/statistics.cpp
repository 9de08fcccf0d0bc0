#include "mentor/tensor/statistics.h"

#include "mentor/tensor/mapped_file.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace mentor {
namespace {

constexpr int64_t kPiece = int64_t{1} << 22;  // elements: 32 MB as float64

/// Calls `use` with consecutive pieces of the flat tensors, as float64.
template <class Use, class... Tensors>
void for_pieces(const Use& use, const Tensors&... flat) {
  const int64_t count = std::min({flat.numel()...});
  for (int64_t begin = 0; begin < count; begin += kPiece) {
    const int64_t length = std::min(kPiece, count - begin);
    use(flat.narrow(0, begin, length).to(at::kDouble)...);
  }
  (drop_mapped_pages(flat), ...);
}

at::Tensor flat_on_host(const at::Tensor& x) { return x.detach().to(at::kCPU).reshape({-1}); }

}  // namespace

double sum_double(const at::Tensor& x) {
  double sum = 0;
  for_pieces([&](const at::Tensor& piece) { sum += piece.sum().item<double>(); }, flat_on_host(x));
  return sum;
}

Difference difference(const at::Tensor& a, const at::Tensor& b) {
  TORCH_CHECK(a.sizes() == b.sizes(), "difference of ", a.sizes(), " and ", b.sizes());
  Difference result;
  const auto add = [&](const at::Tensor& x, const at::Tensor& y) {
    const at::Tensor equal = x.eq(y).logical_or_(x.isnan().logical_and_(y.isnan()));
    const double largest = (x - y).abs_().masked_fill_(equal, 0).max().item<double>();
    // std::max() would lose a NaN.
    if (std::isnan(largest) || largest > result.max_absolute) result.max_absolute = largest;
    result.max_value = std::max(result.max_value, x.abs().max().item<double>());
  };
  for_pieces(add, flat_on_host(a), flat_on_host(b));
  return result;
}

}  // namespace mentor
