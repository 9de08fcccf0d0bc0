#include "validation.h"

#include "evaluation_mode.h"
#include "held_out.h"
#include "mentor/train/code_prediction.h"
#include "train_models.h"

#include <chrono>
#include <cmath>
#include <utility>

namespace mentor {

Validation::Validation(const RunConfig& config, Mixture mixture, std::vector<std::string> tasks,
                       const ComputeOptions& compute, ModelSet& models, Communicator& communicator)
    : config_(config),
      compute_(compute),
      models_(models),
      communicator_(communicator),
      shares_(mixture.shares),
      tasks_(std::move(tasks)),
      make_(make_examples(config, std::move(mixture.sources),
                          {.seed = static_cast<uint64_t>(config.train.seed)})) {}

ValidationMetrics Validation::run(int64_t step, const std::function<void(int64_t)>& done) {
  const auto begin = std::chrono::steady_clock::now();
  const EvaluationMode evaluation(models_);
  const BatchShape shape = batch_shape(config_.model);
  TaskLosses losses(tasks_, compute_.device);
  for_each_held_out(
      {.shares = shares_,
       .make = [this](int64_t epoch, SampleIndex index) { return make_(epoch, index); },
       .threads = config_.runtime.cpu_threads(),
       .batch = config_.train.micro_batch},
      communicator_, [&](const std::vector<Example>& examples) {
        std::vector<const Example*> members;
        for (const Example& example : examples) members.push_back(&example);
        const Batch batch = collate(members, shape);
        const at::Tensor codes_BT = target_codes(models_, batch, compute_);
        losses.add(batch, batch_loss(models_, batch, codes_BT, 1, compute_).losses_BT);
        if (done) done(batch.size());
      });
  const LossMeans means = losses.means(communicator_);
  return {
      .step = step,
      .loss = means.loss,
      .task_loss = means.parts,
      .samples = std::llround(means.count / static_cast<double>(shape.image_tokens)),
      .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

}  // namespace mentor
