#include "mentor/models/flops.h"

#include <gtest/gtest.h>

namespace mentor {
namespace {

constexpr double kGiga = 1e9, kTera = 1e12;

/// All layers of the vision tower, as the table counts it; ours runs one fewer.
ModelConfig table_config() {
  ModelConfig config = model_preset("mentor-xl");
  config.clip.select_layer = -1;
  return config;
}

TEST(Flops, ForwardPartsAreThoseOfTheTable) {
  const ForwardFlops full = forward_flops(table_config(), {.prompt_tokens = 512, .pictures = 1});
  EXPECT_NEAR(full.clip / kGiga, 162, 0.5);
  EXPECT_NEAR(full.projector / kGiga, 3.2, 0.05);
  EXPECT_NEAR(full.t5 / kGiga, 1237, 0.5);
  EXPECT_NEAR(full.decoder() / kGiga, 2510, 1);
  EXPECT_NEAR(full.head / kGiga, 43, 0.5);
  EXPECT_NEAR(full.codec / kGiga, 559, 1);
  const ForwardFlops usual = forward_flops(table_config(), {.prompt_tokens = 320});
  EXPECT_NEAR(usual.t5 / kGiga, 761, 0.5);
  EXPECT_NEAR(usual.decoder() / kGiga, 2176, 1);
  EXPECT_EQ(usual.clip, 0);
  EXPECT_EQ(usual.projector, 0);
}

TEST(Flops, CodecOf256Pixels) {
  ModelConfig config = table_config();
  config.image_size = 256;
  EXPECT_NEAR(forward_flops(config, {.prompt_tokens = 320}).codec / kGiga, 138, 0.5);
}

TEST(Flops, LocalCodecIsCountedByItsPatches) {
  ModelConfig config = table_config();
  config.image_size = 32;
  config.codec = {.layout = "local",
                  .ch = 96,
                  .patch_size = 4,
                  .num_res_blocks = 2,
                  .z_channels = 64,
                  .codebook_size = 512};
  const double per_patch = 48 * 96 + 3 * 2 * 96 * 192 + 96 * 64 + 64 * 8 + 8 * 512;
  EXPECT_EQ(forward_flops(config, {.prompt_tokens = 320}).codec, 2 * 64 * per_patch);
}

/// T per sample without the codec: the stages of the table, padded to 512 tokens.
double stage(double pictures, const TrainedParts& trained) {
  const SampleShape shape{.prompt_tokens = 512, .pictures = 1, .has_cached_codes = true};
  ForwardFlops forward = forward_flops(table_config(), shape);
  forward.clip *= pictures;
  forward.projector *= pictures;
  return (forward.total() + backward_flops(forward, trained)) / kTera;
}

TEST(Flops, SamplesOfTheStagesAreThoseOfTheTable) {
  EXPECT_NEAR(stage(1.2, {}), 11.4, 0.05) << "stage 2";
  EXPECT_NEAR(stage(0.85, {.condition = false, .blocks = false}), 8.9, 0.05) << "script";
  EXPECT_NEAR(stage(0.85, {.t5 = false}), 10.2, 0.06) << "paper";
}

TEST(Flops, DroppedConditionNeedsNoEncoder) {
  const ModelConfig config = table_config();
  const ForwardFlops kept = forward_flops(config, {.prompt_tokens = 320, .pictures = 1});
  const ForwardFlops dropped =
      forward_flops(config, {.prompt_tokens = 320, .pictures = 1, .drops_condition = true});
  EXPECT_EQ(dropped.clip + dropped.projector + dropped.t5, 0);
  EXPECT_EQ(dropped.decoder(), kept.decoder());
  EXPECT_EQ(dropped.codec, kept.codec);
}

TEST(Flops, BackwardStopsWhereNothingIsTrained) {
  const ForwardFlops flops{.projector = 1, .t5 = 10, .condition = 100, .blocks = 1e3, .head = 1e4};
  EXPECT_EQ(
      backward_flops(
          flops,
          {.projector = false, .t5 = false, .condition = false, .blocks = false, .head = true}),
      1e4);
  EXPECT_EQ(backward_flops(flops, {.projector = false, .t5 = false}), 100 + 2e3 + 2e4);
  EXPECT_EQ(backward_flops(flops, {}), 1 + 20 + 200 + 2e3 + 2e4);
  EXPECT_EQ(backward_flops(flops, {.t5 = false, .condition = false, .blocks = false}),
            1 + 10 + 100 + 1e3 + 2e4);
}

}  // namespace
}  // namespace mentor
