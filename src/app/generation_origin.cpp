#include "generation_origin.h"

#include "mentor/app/picture_writer.h"
#include "mentor/core/content_hash.h"
#include "mentor/core/format.h"

#include <string>
#include <system_error>
#include <vector>

namespace mentor {
namespace {

/// Every setting of the models, but those that only training looks at, and the preset, which is a
/// name for the others.
void add_model(ModelConfig model, SampleOrigin& origin) {
  const FieldTable table = fields_of(model);
  for (const Field& field : table.fields()) {
    const bool of_training = field.path.find("dropout") != std::string::npos ||
                             field.path.ends_with("commit_beta") ||
                             field.path.ends_with("entropy_ratio");
    if (of_training || field.path == "preset") continue;
    origin.settings["model." + field.path] = yaml_text(field.value());
  }
}

/// The files that Tokenizer::load() may read.
void add_tokenizer(const fs::path& path, SampleOrigin& origin) {
  std::error_code none;
  const bool is_file = fs::is_regular_file(path, none);
  const fs::path folder = is_file ? path.parent_path() : path;
  std::vector<fs::path> files = {folder / "added_tokens.json"};
  if (is_file) {
    files.push_back(path);
  } else {
    files.insert(files.end(), {folder / "tokenizer.json", folder / "spiece.model"});
  }
  for (const fs::path& file : files) {
    if (!fs::is_regular_file(file, none)) continue;
    origin.weights[format("tokenizer/{}", file.filename())] = hash_file(file).string();
  }
}

}  // namespace

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
      {"weights.codec_ema", format("{}", config.weights.codec_ema)},
  };
  add_model(config.model, origin);
  add_tokenizer(config.weights.tokenizer, origin);
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
