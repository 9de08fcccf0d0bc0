#include "validation.h"

#include "evaluation_mode.h"
#include "mentor/train/interval.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mentor {
Validation::Validation(const RunConfig& config, Mixture mixture, const TrainPlan& plan,
                       ModelSet& models, Communicator& communicator)
    : config_(config),
      plan_(plan),
      models_(models),
      communicator_(communicator),
      shares_(mixture.shares),
      tasks_(plan.tasks),
      make_(make_examples(config, std::move(mixture.sources),
                          {.seed = static_cast<uint64_t>(config.train.seed)})) {}

ValidationMetrics Validation::run(int64_t step) {
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
  TaskLosses losses(plan_.compute.device);
  for (int64_t done = 0; done < samples; done += plan_.train.micro_batch) {
    const auto examples = loader.next(std::min(plan_.train.micro_batch, samples - done));
    if (examples.empty()) continue;
    std::vector<const Example*> members;
    for (const Example& example : examples) members.push_back(&example);
    const Batch batch = collate(members, plan_.batch);
    const at::Tensor codes_BT = target_codes(models_, batch, plan_.compute);
    losses.add(batch, batch_loss(models_, batch, codes_BT, 1, plan_.compute).losses_BT);
  }
  const TaskLosses::Means means = losses.means(communicator_, tasks_);
  return {
      .step = step,
      .loss = means.loss,
      .task_loss = means.task,
      .samples = means.tokens / plan_.batch.image_tokens,
      .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

}  // namespace mentor
