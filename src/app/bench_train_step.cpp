#include "bench_support.h"
#include "mentor/app/build.h"
#include "mentor/app/peak_flops.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/models/flops.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/dtype.h"
#include "mentor/train/loss.h"
#include "train_models.h"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

#include <numeric>

namespace mentor {
namespace {

/// Samples of one picture, as much text as the prompt has left, and a target without codes.
Batch made_batch(const ModelConfig& model, int64_t samples, int64_t prompt_tokens) {
  const int64_t placeholders = model.prompt.placeholders_per_image;
  const bool picture = model.vision && prompt_tokens > placeholders;
  std::vector<Example> examples(samples);
  for (Example& example : examples) {
    example.ids.assign(prompt_tokens, model.prompt.eos_token_id);
    example.target_CHW.assign(3 * model.image_size * model.image_size, 0.25f);
    if (!picture) continue;
    std::fill_n(example.ids.begin(), placeholders, model.prompt.image_token_id);
    example.num_pictures = 1;
    example.pixels_NCHW.assign(3 * model.clip.image_size * model.clip.image_size, 0.25f);
  }
  std::vector<const Example*> members;
  for (const Example& example : examples) members.push_back(&example);
  return collate(members, batch_shape(model));
}

/// Times parts that follow one another; on a GPU each ends when its work is done.
class PartTimer {
 public:
  explicit PartTimer(const Runtime& runtime) : runtime_(runtime) {}
  void begin() { last_ = BenchClock::now(); }
  void end(BenchFigure& figure, bool counts) {
    if (!runtime_.device.is_cpu()) at::accelerator::synchronizeDevice(runtime_.device.index());
    const double ms = milliseconds_since(last_);
    if (counts) figure.samples.push_back(ms);
    begin();
  }

 private:
  const Runtime& runtime_;
  BenchClock::time_point last_;
};

struct StepParts {
  BenchFigure codec{"codec_ms", {}}, encoder{"encoder_ms", {}}, decoder{"decoder_ms", {}},
      backward{"backward_ms", {}}, optimizer{"optimizer_ms", {}}, step{"step_ms", {}};
};

/// The models of a run with their trained parameters in the optimizer's memory.
struct TrainingModels {
  ModelSet models;
  std::unique_ptr<ParameterBuckets> buckets;
  std::unique_ptr<AdamW> optimizer;
};

TrainingModels start_training(const RunConfig& config, const Runtime& runtime,
                              Communicator& communicator) {
  TrainingModels training{.models = random_models(config, runtime)};
  const auto trained = choose_trained(training.models, config.train, config.optimizer,
                                      config.precision, Stage::kInstruction);
  training.buckets = train_with(training.models, trained, config, runtime, communicator);
  training.optimizer = std::make_unique<AdamW>(*training.buckets, config.optimizer,
                                               config.train.ema_decay, communicator);
  return training;
}

void run_step(TrainingModels& training, const Batch& batch, const Runtime& runtime, bool counts,
              StepParts& parts) {
  const ComputeOptions compute{.device = runtime.device};
  PartTimer timer(runtime), whole(runtime);
  timer.begin();
  whole.begin();
  training.buckets->begin_step();
  const at::Tensor codes_BT = target_codes(training.models, batch, compute);
  timer.end(parts.codec, counts);
  const Condition condition = make_condition(training.models, batch, compute);
  timer.end(parts.encoder, counts);
  const at::Tensor weights_BT =
      at::full(codes_BT.sizes(), 1.0 / static_cast<double>(codes_BT.numel()),
               codes_BT.options().dtype(at::kFloat));
  const at::Tensor loss = training.models.decoder->losses(condition, codes_BT, weights_BT).sum;
  timer.end(parts.decoder, counts);
  training.buckets->exchange_when_complete();
  loss.backward();
  timer.end(parts.backward, counts);
  training.buckets->finish_gradients();
  (void)training.optimizer->step(/*lr=*/1e-4);
  timer.end(parts.optimizer, counts);
  whole.end(parts.step, counts);
}

double step_flops(const ModelConfig& model, const Batch& batch) {
  const ForwardFlops forward = forward_flops(
      model,
      {.prompt_tokens = batch.lengths.front(), .pictures = batch.image_owner.empty() ? 0 : 1});
  return static_cast<double>(batch.size()) * (forward.total() + backward_flops(forward, {}));
}

}  // namespace

BenchResult bench_train_step(const RunConfig& config, const BenchOptions& options) {
  const int64_t prompt_tokens = prompt_length(options, config.model.decoder);
  const Runtime runtime = start_runtime(config.runtime);
  const auto alone = solo_communicator();
  TrainingModels training = start_training(config, runtime, *alone);
  const Batch batch = made_batch(config.model, options.micro_batch, prompt_tokens);
  StepParts parts;
  for (int64_t run = -1; run < options.runs; ++run) {
    throw_if_interrupted();
    run_step(training, batch, runtime, run >= 0, parts);
  }
  const double seconds = parts.step.median() / 1000;
  const double flops = step_flops(config.model, batch);
  const PeakFlops peak = peak_flops(runtime);
  BenchResult result = start_result("train", config, runtime);
  result.settings.emplace_back("stages", "codec, encoder, decoder, backward, optimizer");
  result.settings.emplace_back("prompt_tokens", format("{}", prompt_tokens));
  result.settings.emplace_back("micro_batch", format("{}", options.micro_batch));
  result.settings.emplace_back("peak", peak.source);
  result.settings.emplace_back(
      "mfu_formula", format("model FLOPs of the step ({:.4g} G: every model, backward of all that "
                            "stage 2 trains, causal attention counted once) / (step time x peak)",
                            flops / 1e9));
  result.figures = {parts.codec,    parts.encoder,   parts.decoder,
                    parts.backward, parts.optimizer, parts.step};
  const auto tokens =
      static_cast<double>(batch.size() * (prompt_tokens + config.model.decoder.image_len() - 1));
  result.figures.push_back({"tokens_per_s", {tokens / seconds}});
  result.figures.push_back({"mfu", {flops / seconds / peak.per_second}});
  result.figures.push_back({"peak_memory_mib", {peak_memory_mib(runtime)}});
  return result;
}

}  // namespace mentor
