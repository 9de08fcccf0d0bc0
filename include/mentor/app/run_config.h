#pragma once

#include "mentor/config/yaml.h"
#include "mentor/data/data_config.h"
#include "mentor/eval/evaluate_config.h"
#include "mentor/generate/generate_config.h"
#include "mentor/image/image_io.h"
#include "mentor/models/model_config.h"
#include "mentor/models/weights_config.h"
#include "mentor/toy/toy_config.h"
#include "mentor/train/codec_config.h"
#include "mentor/train/train_config.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// What the machine is used for.
struct RuntimeConfig {
  std::string device = "auto";
  std::string dtype = "auto";
  int64_t threads = 0;
  int64_t max_image_pixels = 178'956'970;
  int64_t min_image_side = 8;

  /// What `threads` comes to on this machine.
  [[nodiscard]] int cpu_threads() const;
  /// How pictures are read that a model or a judge is to see: upright, on white, within the limits.
  [[nodiscard]] DecodeOptions picture_decoding() const;

  template <class Visitor>
  void fields(Visitor& v) {
    v("device", device, "auto: the GPU if this build and the machine have one",
      bound::one_of({"auto", "cpu", "cuda"}));
    v("dtype", dtype, "auto: bf16 where the hardware multiplies it, else fp32",
      bound::one_of({"auto", "bf16", "fp32"}));
    v("threads", threads, "CPU threads; 0: the physical cores, shared by ranks",
      bound::between(0, 4096));
    v("max_image_pixels", max_image_pixels, "pictures that decode to more are refused (Pillow's)",
      bound::between(1, 1e12));
    v("min_image_side", min_image_side, "pictures with a shorter side, in pixels, are refused",
      bound::between(1, 4096));
  }
};

/// Everything a command can be told by a configuration file.
struct RunConfig {
  ModelConfig model;
  WeightsConfig weights;
  DataConfig data;
  ToyConfig toy;
  TrainConfig train;
  CodecTrainConfig codec_training;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  PrecisionConfig precision;
  CheckpointConfig checkpoint;
  DistributedConfig distributed;
  GenerateConfig generate;
  EvaluateConfig evaluate;
  RuntimeConfig runtime;

  template <class Visitor>
  void fields(Visitor& v) {
    v("model", model, "dimensions of the five models");
    v("weights", weights, "files the weights come from");
    v("data", data, "what records become");
    v("toy", toy, "a small world of drawn pictures, for data.mixture and 'mentor toy'");
    v("train", train, "what a training run does and shows");
    v("codec_training", codec_training, "what 'mentor train codec' does beside that");
    v("optimizer", optimizer, "AdamW, clipping, sharding over ranks");
    v("schedule", schedule, "learning rate over the run");
    v("precision", precision, "number formats of training, beside runtime.dtype");
    v("checkpoint", checkpoint, "when checkpoints are written and which are kept");
    v("distributed", distributed, "how ranks work together");
    v("generate", generate, "sampling of pictures");
    v("evaluate", evaluate, "rating of pictures by the protocol of DreamBench++");
    v("runtime", runtime, "device, precision, threads");
  }

  /// The rules between fields; throws one ConfigError with every broken one, each with the place
  /// of its value.
  void validate(const Origins& origins) const;
};

/// Whether the mixture or the validation takes records of the toy world.
[[nodiscard]] bool draws_toy_records(const DataConfig& data);

/// A value that two configurations do not agree on, as YAML; "nothing" where one does not have it.
struct ValueChange {
  std::string path, before, now;
  bool is_path = false;
};
[[nodiscard]] std::vector<ValueChange> changed_values(RunConfig before, RunConfig now);

/// A configuration that is read and valid.
struct LoadedRunConfig {
  RunConfig config;
  Origins origins;
};

/// Without a file: the embedded default, the tiny preset.
[[nodiscard]] LoadedRunConfig load_run_config(const std::optional<std::filesystem::path>& file,
                                              const std::vector<Override>& overrides = {});

}  // namespace mentor
