#include "validation.h"

#include "evaluation_mode.h"
#include "mentor/train/code_prediction.h"
#include "train_models.h"

#include <algorithm>
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
  Sampler sampler(
      {.shares = shares_, .rank = communicator_.rank(), .world_size = communicator_.world_size()});
  const int64_t samples = sampler.size();
  Loader loader(std::move(sampler),
                [this](int64_t epoch, SampleIndex index) { return make_(epoch, index); },
                {.threads = config_.runtime.cpu_threads(),
                 .batch = samples,
                 .bad_record_limit = config_.data.bad_record_limit});
  const BatchShape shape = batch_shape(config_.model);
  const int64_t micro_batch = config_.train.micro_batch;
  TaskLosses losses(tasks_, compute_.device);
  for (int64_t first = 0; first < samples; first += micro_batch) {
    const auto examples = loader.next(std::min(micro_batch, samples - first));
    if (examples.empty()) continue;
    std::vector<const Example*> members;
    for (const Example& example : examples) members.push_back(&example);
    const Batch batch = collate(members, shape);
    const at::Tensor codes_BT = target_codes(models_, batch, compute_);
    losses.add(batch, batch_loss(models_, batch, codes_BT, 1, compute_).losses_BT);
    if (done) done(batch.size());
  }
  const LossMeans means = losses.means(communicator_);
  return {
      .step = step,
      .loss = means.loss,
      .task_loss = means.parts,
      .samples = std::llround(means.count / static_cast<double>(shape.image_tokens)),
      .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

}  // namespace mentor
