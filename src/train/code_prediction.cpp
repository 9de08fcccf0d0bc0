#include "mentor/train/code_prediction.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mentor {
namespace {

/// All that there are, so that a run may go on with other data.
std::vector<std::string> all_tasks() {
  std::vector<std::string> names;
  for (int64_t i = 0; i <= static_cast<int64_t>(Task::kMultiImage); ++i) {
    names.emplace_back(task_name(static_cast<Task>(i)));
  }
  return names;
}

}  // namespace

TaskLosses::TaskLosses(std::vector<std::string> shown, at::Device device)
    : sums_(all_tasks(), device), shown_(std::move(shown)) {}

void TaskLosses::add(const Batch& batch, const at::Tensor& losses_BT) {
  std::vector<int64_t> columns;
  for (const Task task : batch.tasks) columns.push_back(static_cast<int64_t>(task));
  const at::Tensor valid_B = batch.valid_B.to(losses_BT.device(), /*non_blocking=*/true);
  sums_.add(columns, losses_BT.detach().sum(1) * valid_B, valid_B * losses_BT.size(1));
}

LossMeans TaskLosses::means(Communicator& communicator) const {
  LossMeans means = sums_.means(communicator);
  std::erase_if(means.parts, [&](const auto& part) {
    const bool shown = std::ranges::find(shown_, part.first) != shown_.end();
    return std::isnan(part.second) && !shown;
  });
  return means;
}

CodePrediction::CodePrediction(ModelSet& models, Options options)
    : models_(models),
      options_(std::move(options)),
      copies_(options_.compute.device),
      losses_(options_.tasks, options_.compute.device) {}

Objective::Work CodePrediction::begin_step(const std::vector<Example>& examples) {
  Work work;
  batches_.clear();
  const MicroBatchLimits limits{.samples = options_.micro_batch,
                                .tokens = options_.token_budget,
                                .image_tokens = options_.shape.image_tokens};
  for (const std::vector<size_t>& indices : cut_micro_batches(examples, limits)) {
    std::vector<const Example*> members;
    for (const size_t index : indices) members.push_back(&examples[index]);
    Batch batch = collate(members, options_.shape);
    work.targets.push_back(batch.target_tokens());
    work.samples += batch.size();
    for (const int64_t length : batch.lengths) work.tokens += length + options_.shape.image_tokens;
    if (options_.flops) work.flops += options_.flops(batch);
    copies_.start({&batch.valid_B, &batch.pixels_NCHW, &batch.codes_BT, &batch.targets_B3HW});
    batches_.push_back(std::move(batch));
  }
  return work;
}

void CodePrediction::run_backward(size_t micro_batch, double scale, int64_t /*step*/) {
  const Batch batch = std::exchange(batches_[micro_batch], {});  // its memory ends with it
  const at::Tensor codes_BT = target_codes(models_, batch, options_.compute);
  const BatchLoss loss = batch_loss(models_, batch, codes_BT, scale, options_.compute);
  losses_.add(batch, loss.losses_BT);
  loss.sum.backward();
}

std::vector<SavedTensor> CodePrediction::saved_tensors() const {
  std::vector<SavedTensor> saved;
  for (const auto& [name, tensor] : named_tensors(models_)) {
    if (part_of(name) == Part::kCodec) continue;
    saved.push_back({name, tensor, options_.trained.contains(name)});
  }
  return saved;
}

}  // namespace mentor
