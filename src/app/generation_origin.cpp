#include "generation_origin.h"

#include "mentor/app/picture_writer.h"
#include "mentor/core/content_hash.h"
#include "mentor/core/format.h"

namespace mentor {

SampleOrigin generation_origin(const RunConfig& config, const Runtime& runtime) {
  SampleOrigin origin;
  const GenerateConfig& generate = config.generate;
  origin.settings = {
      {"generate.guidance_scale", format("{}", generate.guidance_scale)},
      {"generate.guidance_interval", format("{}", generate.guidance_interval)},
      {"generate.temperature", format("{}", generate.temperature)},
      {"generate.top_k", format("{}", generate.top_k)},
      {"generate.top_p", format("{}", generate.top_p)},
      {"generate.greedy", format("{}", generate.greedy)},
      {"generate.seed", format("{}", generate.seed)},
      {"generate.condition_squash", format("{}", generate.condition_squash)},
      {"generate.pixel_rule", generate.pixel_rule},
      {"runtime.device", runtime.device.is_cuda() ? "cuda" : "cpu"},
      {"runtime.dtype", runtime.dtype == c10::kBFloat16 ? "bf16" : "fp32"},
  };
  for (const WeightFile& weights : weight_files(config.weights)) {
    origin.weights[weights.key] = hash_file(weights.file).string();
  }
  return origin;
}

}  // namespace mentor
