#include "mentor/train/interval.h"

#include <ATen/ATen.h>

#include <limits>
#include <utility>

namespace mentor {

LossSums::LossSums(std::vector<std::string> names, at::Device device)
    : names_(std::move(names)),
      sums_(at::zeros({2, static_cast<int64_t>(names_.size())},
                      at::TensorOptions().dtype(at::kDouble).device(device))) {}

void LossSums::add(const std::vector<int64_t>& columns, const at::Tensor& losses_N,
                   const at::Tensor& counts_N) {
  sums_.index_add_(1, at::tensor(columns).to(sums_.device(), /*non_blocking=*/true),
                   at::stack({losses_N.detach(), counts_N}).to(at::kDouble));
}

LossMeans LossSums::means(Communicator& communicator) const {
  at::Tensor sums = sums_.clone();
  communicator.all_reduce_sum(sums).wait();
  const at::Tensor host = sums.cpu();
  const auto* values = host.const_data_ptr<double>();
  const auto mean = [](double sum, double count) {
    return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
  };
  LossMeans means;
  double loss = 0;
  for (size_t i = 0; i < names_.size(); ++i) {
    const double sum = values[i], count = values[names_.size() + i];
    means.parts[names_[i]] = mean(sum, count);
    loss += sum;
    means.count += count;
  }
  means.loss = mean(loss, means.count);
  return means;
}

}  // namespace mentor
