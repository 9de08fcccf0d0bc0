#include "mentor/app/run_config.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <map>

namespace mentor {
namespace {

std::string error_of(const std::string& yaml, const std::vector<Override>& overrides = {}) {
  const TempDir dir;
  write_text(dir / "a.yaml", yaml);
  try {
    (void)load_run_config(dir / "a.yaml", overrides);
  } catch (const ConfigError& e) {
    std::string message = e.what();  // without the folder, whose name is random
    const std::string folder = dir.path().string() + "/";
    for (size_t at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
      message.erase(at, folder.size());
    }
    return message;
  }
  return "no error";
}

TEST(RunConfig, EveryFileInConfigsIsValid) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(MENTOR_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    // A table of configurations, which lint.configs plans.
    if (read_text(entry.path()).find("\nrows:\n") != std::string::npos) continue;
    EXPECT_NO_THROW((void)load_run_config(entry.path())) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3);
}

TEST(RunConfig, SaysWhichValuesChanged) {
  RunConfig before, now;
  EXPECT_TRUE(changed_values(before, now).empty());
  before.train.steps = 20;
  before.data.mixture["gone"].samples = 3;
  now.train.out = "runs/x";
  std::map<std::string, ValueChange> changes;
  for (const ValueChange& change : changed_values(before, now)) changes[change.path] = change;
  EXPECT_EQ(changes.at("train.steps").before, "20");
  EXPECT_EQ(changes.at("train.steps").now, "0");
  EXPECT_FALSE(changes.at("train.steps").is_path);
  EXPECT_TRUE(changes.at("train.out").is_path);
  EXPECT_EQ(changes.at("data.mixture.gone.samples").before, "3");
  EXPECT_EQ(changes.at("data.mixture.gone.samples").now, "nothing");
}

TEST(RunConfig, EveryPresetIsValidAndNamedInItself) {
  RunConfig config;
  const FieldTable table = fields_of(config);
  const std::vector<std::string> presets = table.find_field("model.preset")->bound.words;
  EXPECT_GE(presets.size(), 7U);
  for (const std::string& preset : presets) {
    const auto loaded = load_run_config({}, {parse_override("model.preset=" + preset)});
    EXPECT_EQ(loaded.config.model.preset, preset);
    EXPECT_EQ(loaded.origins.of("model.decoder.dim"), "preset " + preset);
  }
}

TEST(RunConfig, DefaultsKeepTheirOwnBounds) {
  RunConfig config;
  const std::string yaml = dump_config(config, Origins());
  RunConfig again;
  Origins origins;
  EXPECT_NO_THROW(origins = read_config({.name = "dump", .text = yaml}, again)) << yaml;
  EXPECT_EQ(dump_config(again, Origins()), yaml);
  EXPECT_NO_THROW(again.validate(origins));
}

TEST(RunConfig, WithoutAFileTheTinyPreset) {
  const LoadedRunConfig loaded = load_run_config({});
  EXPECT_EQ(loaded.config.model.preset, "tiny");
  EXPECT_EQ(loaded.config.model.image_size, 64);
}

TEST(RunConfig, PathsStartFromTheFolderOfTheFile) {
  const TempDir dir;
  write_text(dir / "configs/a.yaml", "weights: {codec: ../weights/vq.pt, model: ''}\n");
  const RunConfig config = load_run_config(dir / "configs/a.yaml").config;
  EXPECT_EQ(config.weights.codec, dir / "weights/vq.pt");
  EXPECT_EQ(config.weights.model, "");
}

TEST(RunConfig, RulesBetweenFieldsNameThePlace) {
  EXPECT_EQ(error_of("model:\n  preset: tiny\n  clip:\n    num_heads: 3\n"),
            "a.yaml:4: model.clip.num_heads: 3 does not divide clip.hidden_size 64");
  EXPECT_EQ(error_of("model: {preset: tiny}", {parse_override("model.decoder.vocab_size=7")}),
            "--set: model.decoder.vocab_size: 7 differs from codec.codebook_size 512");
  EXPECT_EQ(error_of("model: {preset: tiny}\ngenerate:\n  task: subject\n",
                     {parse_override("model.vision=false"), parse_override("model.t5.d_model=32")}),
            "a.yaml: model.decoder.cond_dim: 64 differs from t5.d_model 32\n"
            "a.yaml:3: generate.task: 'subject' shows a picture in the prompt, but model.vision is "
            "false");
  EXPECT_EQ(error_of("model: {preset: tiny, t5: {num_buckets: 64, max_distance: 16}}"),
            "a.yaml:1: model.t5.max_distance: 16 must be above a quarter of t5.num_buckets 64: "
            "distances below 16 have a bucket each");
  EXPECT_EQ(error_of("model: {preset: tiny, t5: {num_buckets: 64, max_distance: 17}}"), "no error");
  EXPECT_EQ(error_of("model: {codec: {ch_mult: []}}"),
            "a.yaml:1: model.codec.ch_mult: needs 1 to 8 levels");
  EXPECT_EQ(error_of("model: {preset: tiny, codec: {norm_groups: 24}}").substr(0, 73),
            "a.yaml: model.codec.ch: 32 x 1 is no multiple of the 24 codec.norm_groups");
  const std::string local =
      "model:\n  preset: tiny\n  image_size: 40\n  codec:\n    layout: local\n    ch: 48\n    "
      "patch_size: 5\n    norm_groups: 16\n";
  EXPECT_EQ(error_of(local),
            "a.yaml:7: model.codec.patch_size: 5 is odd, but the decoder doubles its size on the "
            "way\n"
            "a.yaml:6: model.codec.ch: 48 is no multiple of twice the 16 codec.norm_groups (the "
            "decoder halves its channels)");
  EXPECT_EQ(error_of("model: {preset: tiny, codec: {layout: locl}}"),
            "a.yaml:1: model.codec.layout: must be official | local, not 'locl' (did you mean "
            "'local'?)");
  EXPECT_EQ(error_of("model: {preset: mentor-xxl}"),
            "a.yaml:1: model.preset: must be mentor-xl | llamagen-b | llamagen-l | llamagen-xl | "
            "llamagen-xxl | llamagen-3b | tiny, not 'mentor-xxl' (did you mean 'mentor-xl'?)");
}

}  // namespace
}  // namespace mentor
