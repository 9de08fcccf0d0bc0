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

std::unique_ptr<SampleFolder> open_on_ranks(SampleFolderOptions options,
                                            const std::function<SampleOrigin()>& origin,
                                            const LoadedRunConfig& run,
                                            Communicator& communicator) {
  options.rank = communicator.rank();
  std::unique_ptr<SampleFolder> folder;
  if (options.rank == 0) {
    options.origin = origin();
    folder = std::make_unique<SampleFolder>(options);
    write_text(options.root / "config.yaml", dump_config(run.config, run.origins));
  }
  communicator.barrier();
  if (options.rank != 0) folder = std::make_unique<SampleFolder>(std::move(options));
  return folder;
}

}  // namespace mentor
