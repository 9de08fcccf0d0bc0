#pragma once

#include "mentor/app/run_config.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

namespace mentor {

// What the `mentor weights` commands do.

struct WeightsInitOptions {
  LoadedRunConfig run;  // the dimensions; its `weights` section is replaced
  uint64_t seed = 0;
  std::string dtype = "bf16";
  bool fan_in = false;     // Initialization::kFanIn
  bool toy_words = false;  // the tokenizer has a piece for each word of the toy world
  std::filesystem::path folder;
};

/// Writes initialised weights of all five models, a small tokenizer and a config.yaml that names
/// them: all that `mentor generate` needs. One tensor is in memory at a time. `output.weight` is 0
/// before training, so every image token is equally likely: the pictures are noise.
void init_weights(const WeightsInitOptions& options);

struct WeightsInspectOptions {
  std::filesystem::path path;
  bool json = false;
  bool all = false;                  // every key, instead of one line for layers that are alike
  bool checksums = false;            // verify those of a zip file
  std::optional<ModelConfig> model;  // compare with it; else say which preset fits
};

/// What is in a file of weights, and what it fits.
void inspect_weights(const WeightsInspectOptions& options, std::ostream& out);

struct WeightsConvertOptions {
  std::filesystem::path in, out;   // `in` may be a checkpoint, or a run's folder: its newest one
  bool averaged = false;           // the averaged weights of a checkpoint
  std::string container = "auto";  // auto (by the name of `out`), safetensors, pt
  std::string dtype = "keep";      // keep, fp32, bf16, fp16
  std::string part = "all";        // all, encoder, decoder, t5, clip, projector, codec
  std::string layout = "mentor";   // mentor, hf, llamagen
};

/// Rewrites weights in another container, dtype or layout of keys. `out` without an extension
/// becomes a Hugging Face folder. What is left out is said in the log.
void convert_weights(const WeightsConvertOptions& options);

struct WeightsDiffOptions {
  std::filesystem::path a, b;
  std::optional<double> tolerance;  // largest |a - b| that counts as equal; dtypes may differ then
  bool all = false;                 // list every difference
};

/// Compares key by key and prints the differences; true when there is none.
bool diff_weights(const WeightsDiffOptions& options, std::ostream& out);

}  // namespace mentor
