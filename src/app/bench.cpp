#include "mentor/app/bench.h"

#include "bench_support.h"
#include "mentor/app/build.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/generate/generator.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace mentor {
namespace {

/// Memory that was never written is one page of zeros, which costs nothing to read.
void fill_cache(const LlamaGenImpl& decoder, KvCache& cache, int64_t length) {
  const LlamaGenConfig& config = decoder.config();
  const at::Tensor values =
      random_like(first_parameter(decoder), {length, config.num_heads, config.head_dim()});
  for (int64_t row = 0; row < cache.rows(); ++row) {
    for (int64_t layer = 0; layer < config.num_layers; ++layer) {
      cache.fill(layer, row, values, values);
    }
    cache.set_length(row, length);
  }
}

/// Steps at image token `first` of a row pair whose cache is filled up to there.
BenchFigure time_steps(const std::string& name, LlamaGen& decoder, int64_t prompt_tokens,
                       int64_t first, int64_t steps, const SamplingOptions& sampling) {
  const bool guided = sampling.guided(0);
  const int64_t rows = guided ? 2 : 1;
  KvCache cache = decoder->make_cache(rows, prompt_tokens + first + steps + 4);
  fill_cache(*decoder, cache, prompt_tokens + first);
  at::Tensor tokens = at::zeros({rows}, at::kLong).to(first_parameter(*decoder).device());
  TokenSampler sampler(sampling, {0});
  BenchFigure figure{.name = name, .samples = {}};
  for (int64_t i = 0; i < steps + 3; ++i) {
    throw_if_interrupted();
    const auto begin = BenchClock::now();
    const int64_t position = std::min(first + i, decoder->config().image_len() - 2);
    const at::Tensor logits = decoder->decode_step(tokens, position, cache);
    const at::Tensor mixed =
        guided ? guide(logits.slice(0, 0, 1), logits.slice(0, 1), sampling.guidance_scale) : logits;
    tokens = sampler.sample(mixed).repeat({rows});
    if (i >= 3) figure.samples.push_back(milliseconds_since(begin));
  }
  return figure;
}

}  // namespace

double BenchFigure::median() const {
  std::vector<double> sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  const size_t n = sorted.size();
  return n == 0 ? 0 : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

std::string BenchResult::json() const {
  nlohmann::ordered_json object = {{"bench", what}};
  for (const auto& [key, value] : settings) object[key] = value;
  for (const BenchFigure& figure : figures) {
    const auto [low, high] = std::minmax_element(figure.samples.begin(), figure.samples.end());
    object[figure.name] = {
        {"median", figure.median()}, {"min", *low}, {"max", *high}, {"n", figure.samples.size()}};
  }
  return object.dump();
}

std::string BenchResult::text() const {
  std::string table = what + "\n";
  for (const auto& [key, value] : settings) table += format("  {:<22} {}\n", key, value);
  for (const BenchFigure& figure : figures) {
    const auto [low, high] = std::minmax_element(figure.samples.begin(), figure.samples.end());
    table += format("  {:<22} {:>10.2f}   ({:.2f} to {:.2f}, {} runs)\n", figure.name,
                    figure.median(), *low, *high, figure.samples.size());
  }
  return table;
}

BenchResult bench_decode(const RunConfig& config, const BenchOptions& options) {
  const c10::InferenceMode inference;
  const int64_t prompt_tokens = prompt_length(options, config.model.decoder);
  const Runtime runtime = start_runtime(config.runtime);
  ModelSet models =
      random_models(config, runtime, {.encoder = false, .decoder = true, .codec = false});
  LlamaGen& decoder = models.decoder;
  const SamplingOptions sampling = sampling_options(config.generate);
  const bool guided = sampling.guided(0);
  BenchResult result = start_result("decode", config, runtime);
  result.settings.emplace_back("prompt_tokens", format("{}", prompt_tokens));
  result.settings.emplace_back("guidance", guided ? "on" : "off");
  const Condition condition{
      random_like(first_parameter(*decoder), {prompt_tokens, config.model.decoder.cond_dim}),
      {prompt_tokens}};
  result.figures.push_back(
      time_runs("prefill_ms", options.runs, [&] { (void)run_prefix(decoder, condition, guided); }));
  const int64_t last = std::max<int64_t>(config.model.decoder.image_len() - options.steps - 4, 0);
  result.figures.push_back(
      time_steps("step_ms_first", decoder, prompt_tokens, 0, options.steps, sampling));
  result.figures.push_back(
      time_steps("step_ms_last", decoder, prompt_tokens, last, options.steps, sampling));
  result.figures.push_back({"peak_memory_mib", {peak_memory_mib(runtime)}});
  return result;
}

BenchResult bench_encode(const RunConfig& config, const BenchOptions& options) {
  const c10::InferenceMode inference;
  const int64_t prompt_tokens = prompt_length(options, config.model.decoder);
  const Runtime runtime = start_runtime(config.runtime);
  ModelSet models =
      random_models(config, runtime, {.encoder = true, .decoder = false, .codec = false});
  const MultimodalEncoder& encoder = models.encoder;
  BenchResult result = start_result("encode", config, runtime);
  result.settings.emplace_back("prompt_tokens", format("{}", prompt_tokens));
  const at::Tensor weight = first_parameter(*encoder);
  const at::Tensor embeddings = random_like(weight, {1, prompt_tokens, config.model.t5.d_model});
  result.figures.push_back(time_runs(
      "t5_ms", options.runs, [&] { (void)encoder->language_model()->forward(embeddings); }));
  if (config.model.vision) {
    const int64_t side = config.model.clip.image_size;
    const at::Tensor pixels = random_like(weight, {1, 3, side, side});
    result.figures.push_back(time_runs("clip_ms", options.runs,
                                       [&] { (void)encoder->vision_tower()->forward(pixels); }));
  }
  result.figures.push_back({"peak_memory_mib", {peak_memory_mib(runtime)}});
  return result;
}

BenchResult bench_codec(const RunConfig& config, const BenchOptions& options) {
  const c10::InferenceMode inference;
  const Runtime runtime = start_runtime(config.runtime);
  ModelSet models =
      random_models(config, runtime, {.encoder = false, .decoder = false, .codec = true});
  Vqgan& codec = models.codec;
  BenchResult result = start_result("codec", config, runtime);
  const int64_t side = config.model.image_size, grid = config.model.decoder.grid;
  result.settings.emplace_back("image_size", format("{}", side));
  const at::Tensor pixels = random_like(first_parameter(*codec), {1, 3, side, side});
  const at::Tensor codes = at::randint(config.model.codec.codebook_size, {1, grid * grid},
                                       at::TensorOptions().dtype(at::kLong))
                               .to(pixels.device());
  result.figures.push_back(
      time_runs("encode_ms", options.runs, [&] { (void)codec->encode_to_codes(pixels); }));
  result.figures.push_back(
      time_runs("decode_ms", options.runs, [&] { (void)codec->decode_codes(codes, grid, grid); }));
  result.figures.push_back({"peak_memory_mib", {peak_memory_mib(runtime)}});
  return result;
}

BenchResult bench_load(const RunConfig& config, const BenchOptions& options) {
  const c10::InferenceMode inference;
  const int64_t prompt_tokens = prompt_length(options, config.model.decoder);
  const auto begin = BenchClock::now();
  const Runtime runtime = start_runtime(config.runtime);
  ModelSet models = load_models(config, runtime);
  const double load_ms = milliseconds_since(begin);
  const Condition condition{
      random_like(first_parameter(*models.decoder), {prompt_tokens, config.model.decoder.cond_dim}),
      {prompt_tokens}};
  Prefix prefix = run_prefix(models.decoder, condition, /*guided=*/false);
  KvCache cache = models.decoder->make_cache(1, prompt_tokens + 1);
  cache.copy_row(0, prefix.cache, 0);
  (void)models.decoder->decode_step(prefix.logits.argmax(-1), 0, cache);
  BenchResult result = start_result("load", config, runtime);
  result.figures.push_back({"load_ms", {load_ms}});
  result.figures.push_back({"first_step_ms", {milliseconds_since(begin)}});
  result.figures.push_back({"peak_memory_mib", {peak_memory_mib(runtime)}});
  return result;
}

}  // namespace mentor
