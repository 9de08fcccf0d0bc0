#include "bench_support.h"
#include "mentor/app/build.h"
#include "mentor/app/peak_flops.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/models/flops.h"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

namespace mentor {
namespace {

/// What a decoder step is given.
struct DecoderBatch {
  Condition condition;
  at::Tensor codes_BT, weights_BT;
};

DecoderBatch random_batch(const LlamaGen& decoder, int64_t samples, int64_t prompt_tokens) {
  const LlamaGenConfig& config = decoder->config();
  const at::Tensor weight = first_parameter(*decoder);
  const int64_t tokens = config.image_len();
  DecoderBatch batch;
  if (config.class_conditional()) {
    batch.condition = decoder->class_condition(at::zeros({samples}, at::kLong).to(weight.device()));
  } else {
    batch.condition = {
        .features = random_like(weight, {samples * prompt_tokens, config.cond_dim}),
        .lengths = std::vector<int64_t>(static_cast<size_t>(samples), prompt_tokens)};
  }
  batch.codes_BT = at::randint(config.vocab_size, {samples, tokens}, at::kLong).to(weight.device());
  batch.weights_BT = at::full({samples, tokens}, 1.0 / static_cast<double>(samples * tokens),
                              weight.options().dtype(at::kFloat));
  return batch;
}

void prepare_for_training(torch::nn::Module& module) {
  module.train();
  for (at::Tensor& parameter : module.parameters()) parameter.set_requires_grad(true);
}

struct StepFigures {
  BenchFigure forward{"forward_ms", {}}, backward{"backward_ms", {}}, step{"step_ms", {}};
};

/// Forward and backward of the decoder, one untimed step first. The gradients are dropped between
/// steps, outside the measured time.
StepFigures time_decoder_steps(ModelSet& models, const DecoderBatch& batch, const Runtime& runtime,
                               int64_t runs) {
  LlamaGen& decoder = models.decoder;
  const auto wait = [&] {
    if (!runtime.device.is_cpu()) at::accelerator::synchronizeDevice(runtime.device.index());
  };
  StepFigures figures;
  for (int64_t run = -1; run < runs; ++run) {
    throw_if_interrupted();
    wait();
    const auto begin = BenchClock::now();
    const at::Tensor loss = decoder->losses(batch.condition, batch.codes_BT, batch.weights_BT).sum;
    wait();
    const double forward_ms = milliseconds_since(begin);
    loss.backward();
    wait();
    const double step_ms = milliseconds_since(begin);
    decoder->zero_grad(/*set_to_none=*/true);
    if (run < 0) continue;
    figures.forward.samples.push_back(forward_ms);
    figures.backward.samples.push_back(step_ms - forward_ms);
    figures.step.samples.push_back(step_ms);
  }
  return figures;
}

}  // namespace

BenchResult bench_train(const RunConfig& config, const BenchOptions& options) {
  const LlamaGenConfig& dimensions = config.model.decoder;
  const int64_t prompt_tokens =
      dimensions.class_conditional() ? 1 : prompt_length(options, dimensions);
  const int64_t samples = options.micro_batch;
  const Runtime runtime = start_runtime(config.runtime);
  ModelSet models =
      random_models(config, runtime, {.encoder = false, .decoder = true, .codec = false});
  prepare_for_training(*models.decoder);
  const DecoderBatch batch = random_batch(models.decoder, samples, prompt_tokens);
  StepFigures figures = time_decoder_steps(models, batch, runtime, options.runs);

  ForwardFlops forward{};
  const ForwardFlops sample = forward_flops(config.model, {.prompt_tokens = prompt_tokens});
  forward.condition = sample.condition;
  forward.blocks = sample.blocks;
  forward.head = sample.head;
  const double flops =
      static_cast<double>(samples) *
      (forward.total() + backward_flops(forward, {.projector = false, .t5 = false}));
  const PeakFlops peak = peak_flops(runtime);
  const double seconds = figures.step.median() / 1000;
  const auto tokens = static_cast<double>(samples * (prompt_tokens + dimensions.image_len() - 1));
  BenchResult result = start_result("train", config, runtime);
  result.settings.emplace_back("stages", "decoder");
  result.settings.emplace_back("prompt_tokens", format("{}", prompt_tokens));
  result.settings.emplace_back("micro_batch", format("{}", samples));
  result.settings.emplace_back("peak", peak.source);
  result.settings.emplace_back(
      "mfu_formula",
      format("model FLOPs of the step ({:.4g} G: decoder forward and backward, causal attention "
             "counted once) / (step time x peak)",
             flops / 1e9));
  result.figures = {figures.forward, figures.backward, figures.step};
  result.figures.push_back({"tokens_per_s", {tokens / seconds}});
  result.figures.push_back({"mfu", {flops / seconds / peak.per_second}});
  result.figures.push_back({"peak_memory_mib", {peak_memory_mib(runtime)}});
  return result;
}

}  // namespace mentor
