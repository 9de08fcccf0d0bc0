#include "mentor/train/interval.h"

#include <ATen/ATen.h>

#include <limits>

namespace mentor {
namespace {

constexpr int64_t kTasks = static_cast<int64_t>(Task::kMultiImage) + 1;

}  // namespace

TaskLosses::TaskLosses(at::Device device)
    : sums_(at::zeros({2, kTasks}, at::TensorOptions().dtype(at::kDouble).device(device))) {}

void TaskLosses::add(const Batch& batch, const at::Tensor& losses_BT) {
  std::vector<int64_t> columns;
  for (const Task task : batch.tasks) columns.push_back(static_cast<int64_t>(task));
  const at::Tensor valid_B = batch.valid_B.to(sums_.device(), /*non_blocking=*/true);
  const at::Tensor losses_B = losses_BT.detach().sum(1) * valid_B;
  const at::Tensor tokens_B = valid_B * losses_BT.size(1);
  sums_.index_add_(1, at::tensor(columns).to(sums_.device(), true),
                   at::stack({losses_B, tokens_B}).to(at::kDouble));
}

TaskLosses::Means TaskLosses::means(Communicator& communicator,
                                    const std::vector<std::string>& tasks) const {
  at::Tensor sums = sums_.clone();
  communicator.all_reduce_sum(sums).wait();
  const at::Tensor host = sums.cpu();
  const auto* values = host.const_data_ptr<double>();
  Means means;
  for (const std::string& task : tasks) {
    means.task[task] = std::numeric_limits<double>::quiet_NaN();
  }
  double loss = 0, tokens = 0;
  for (int64_t i = 0; i < kTasks; ++i) {
    const double task_tokens = values[kTasks + i];
    if (task_tokens == 0) continue;
    means.task[std::string(task_name(static_cast<Task>(i)))] = values[i] / task_tokens;
    loss += values[i];
    tokens += task_tokens;
  }
  means.loss = tokens > 0 ? loss / tokens : std::numeric_limits<double>::quiet_NaN();
  means.tokens = static_cast<int64_t>(tokens);
  return means;
}

}  // namespace mentor
